"""Plugins: problems, models, modalities and metrics from other packages and folders."""

from t2t_mm.plugins.load import GROUP, USR_DIR_VARIABLE, LoadReport, load_all, reports

__all__ = ["GROUP", "USR_DIR_VARIABLE", "LoadReport", "load_all", "reports"]
