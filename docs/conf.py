"""Configuration of Sphinx. The build needs no network."""

from importlib.metadata import version as version_of

from sphinx.application import Sphinx

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
autoclass_content = "both"  # the arguments are documented where they are taken, in __init__
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# A reference to a name that we export must lead somewhere. Names of other projects cannot be resolved
# without fetching their inventories, and the paths of inner modules come from annotations, not from authors.
_exported = r"everstream\.(checkpoints\.|llm\.|testing\.)?([A-Z]\w*(\.\w+)?|[a-z_]\w*)"
nitpick_ignore_regex = [(r"py:.*", rf"(?!{_exported}$).*")]

html_theme = "furo"
html_title = f"everstream {release}"
html_static_path = ["_static"]
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Leaves docstrings of attributes as they are: Napoleon takes what stands before a colon for a type."""
    written: dict[str, list[str]] = {}

    def keep(_app: Sphinx, what: str, name: str, _obj: object, _options: object, lines: list[str]) -> None:
        if what in ("attribute", "data", "property"):
            written[name] = list(lines)

    def restore(
        _app: Sphinx, _what: str, name: str, _obj: object, _options: object, lines: list[str]
    ) -> None:
        if name in written:
            lines[:] = written.pop(name)

    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)  # Napoleon's is 500
