"""Names as pages and addresses write them."""

from __future__ import annotations

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify

from portal.doorway import reader_if_any
from portal.glossary import anchors
from registry.models import Site
from registry.queries.visibility import opens_site

register = template.Library()


@register.filter(name="hex")
def as_hex(value: bytes | memoryview) -> str:
    """A digest in lower-case hex."""
    return bytes(value).hex()


@register.filter
def percent(basis_points: int) -> str:
    """A share as people write it, exactly: 50.01 must not look like half."""
    return f"{basis_points / 100:g} %"


@register.simple_tag
def term(word: str, shown: str = "") -> SafeString:
    """A word that leads to its place in the glossary; a word that is not there is a mistake of the template."""
    anchor = slugify(word)
    if anchor not in anchors():
        raise ValueError(f"the glossary does not explain {word!r}")
    return format_html('<a class="term" href="{}#{}">{}</a>', reverse("glossary"), anchor, shown or word)


@register.simple_tag(takes_context=True)
def site_link(context: Context, site: Site, shown: str = "") -> SafeString:
    """A site by its code, or as ``shown``, leading to its page where the reader may open it."""
    reader = reader_if_any(context["request"])
    if reader is None or not opens_site(reader, site):
        return format_html("{}", shown or site.code)
    address = reverse("site", args=[site.code])
    return format_html('<a href="{}" title="{}">{}</a>', address, site.code, shown or site.code)
