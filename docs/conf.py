"""Configuration of Sphinx. The build needs no network."""

from importlib.metadata import version as version_of

project = "everstream"
author = "everstream contributors"
copyright = "everstream contributors"
release = version = version_of("everstream")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
root_doc = "index"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Names of other projects cannot be resolved without fetching their inventories. Ours must be.
nitpick_ignore_regex = [(r"py:.*", r"(?!everstream\b).*")]

html_theme = "furo"
html_title = f"everstream {release}"
html_static_path = ["_static"]
html_copy_source = False
