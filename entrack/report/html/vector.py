"""A drawing of matplotlib as part of a page: an image with a title and a description, whose names are of no other
drawing's, and whose looks are attributes, which no policy of a page is about."""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

from entrack.report.format import visible

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NAMED = re.compile(r"url\(#([^)]+)\)")
"""How a look of an element names another element."""
PIXELS = 96 / 72
"""In a point."""
DROPPED = (f"{SVG}metadata", f"{SVG}style", f"{SVG}title", f"{SVG}desc")
TAGS = {"defs", "g", "path", "use", "clipPath", "rect", "image", "linearGradient", "stop", "text", "svg"}
"""What matplotlib draws with."""


def inline(svg: str, name: str, title: str, description: str) -> str:
    """The drawing as an `svg` element for HTML. `name` is what its identifiers begin with. Raises ValueError for an
    element that matplotlib does not draw with."""
    root = ElementTree.fromstring(svg)
    used = {of for each in root.iter() for key, value in each.attrib.items() for of in _names(key, value)}
    wide = float(root.get("width", "0").removesuffix("pt")) * PIXELS
    body = "".join(_element(child, name, used) for child in root if child.tag not in DROPPED)
    return (
        f'<svg viewBox="{escape(root.get("viewBox", ""))}" width="{wide:.0f}" role="img" stroke-linejoin="round"'
        f' stroke-linecap="butt" aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">'
        f'{escape(visible(title))}</title><desc id="{name}-desc">{escape(visible(description))}</desc>{body}</svg>'
    )


def _names(key: str, value: str) -> list[str]:
    """The elements that an attribute names."""
    return [value.removeprefix("#")] if key == f"{XLINK}href" else NAMED.findall(value)


def _element(element: ElementTree.Element, name: str, used: set[str]) -> str:
    tag = element.tag.removeprefix(SVG)
    if tag in ("metadata", "style"):
        return ""
    if tag not in TAGS:
        raise ValueError(f"a drawing has an element {tag!r}")
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in _attributes(element, name, used).items())
    inside = "".join(_element(child, name, used) for child in element)
    return f"<{tag}{attributes}>{escape(element.text or '') if tag == 'text' else ''}{inside}</{tag}>"


def _attributes(element: ElementTree.Element, name: str, used: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key == "id":
            found |= {key: f"{name}-{value}"} if value in used else {}
        elif key == "style":
            found |= dict(_declarations(value, name))
        elif key == f"{XLINK}href":
            found["href"] = f"#{name}-{value[1:]}" if value.startswith("#") else "".join(value.split())
        else:
            found[key] = _renamed(" ".join(value.split()), name)
    return found


def _declarations(style: str, name: str) -> list[tuple[str, str]]:
    """Each of a style as an attribute, which says the same of an element of a drawing."""
    pairs = [part.partition(":") for part in style.split(";") if part.strip()]
    return [(key.strip(), _renamed(value.strip(), name)) for key, _, value in pairs]


def _renamed(value: str, name: str) -> str:
    return NAMED.sub(lambda match: f"url(#{name}-{match[1]})", value)
