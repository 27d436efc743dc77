"""Joins the top-level folders into one package; all else is in pyproject.toml.

The repository keeps `problems/`, `bin/` and `gin/` beside the framework, to be
seen at first sight; installed, they are `t2t_mm.problems`, `t2t_mm.bin` and
`t2t_mm.gin`, so that the wheel claims a single name. `gin/` holds no
`__init__.py`: from the repository's root it would hide gin-config.
"""

import setuptools

packages = setuptools.find_packages(include=["t2t_mm", "t2t_mm.*"])
package_dir = {}
for folder in ("problems", "bin"):
    package_dir[f"t2t_mm.{folder}"] = folder
    packages.append(f"t2t_mm.{folder}")
    packages.extend(f"t2t_mm.{folder}.{name}" for name in setuptools.find_packages(folder))

package_dir["t2t_mm.gin"] = "gin"
packages.append("t2t_mm.gin")
packages.extend(f"t2t_mm.gin.{name}" for name in setuptools.find_namespace_packages("gin"))

setuptools.setup(
    packages=packages,
    package_dir=package_dir,
    package_data={
        "t2t_mm": ["py.typed"],
        "t2t_mm.gin": ["**/*.gin", "*.gin"],
        "t2t_mm.reports.run_report": ["*.j2", "*.css"],
    },
)
