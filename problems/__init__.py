"""The built-in problems, found as any plugin's are.

Each module of this package registers its problems by itself; nothing imports
this package but the plugin loader.
"""
