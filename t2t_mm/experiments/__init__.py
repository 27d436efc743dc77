"""Experiments: many runs by one file, their tables and one report.

`plan` names the runs, `folder` holds what is known of them, `one_run` carries out one by the
commands that a user would type, `queue` all of them; `tables` and `page` tell what came of them.
"""
