"""The built-in problems, loaded as a plugin.

Each module registers its problems by itself; only the plugin loader imports this package.
"""
