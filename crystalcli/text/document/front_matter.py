"""Front matter of Markdown documents: the authors, the date and the tags that it gives them.

Knows the usual lines of YAML and TOML, and `#tags` in text, as Obsidian, Hugo, Quarto and others
write them. Does not know: the rest of YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.text.document.stated_fields import StatedFields, iso_day

_LONGEST = 4000  # characters of front matter that are read
_FENCED = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
# A field with its value, and the items of a list below it.
_FIELD = re.compile(r"^([A-Za-z][\w-]*)[ \t]*[:=][ \t]*(.*(?:\r?\n(?:[ \t]+\S|[ \t]*-[ \t]).*)*)", re.MULTILINE)
_AUTHORS = ("author", "authors", "by", "creator", "creators")
_DATES = ("date", "created", "day", "published", "pubdate", "date created", "created_at", "modified", "updated")
_TAGS = ("tags", "tag", "keywords", "categories")
_NAME = re.compile(r"^(?:name[ \t]*:)?[ \t]*(.+)$")
_OTHER_KEY = re.compile(r"[\w-]+[ \t]*:[ \t]")  # of a list of objects: `affiliation: ...`
_COMMENT = re.compile(r"[ \t]#[ \t].*$", re.MULTILINE)
_INLINE_TAG = re.compile(r"(?<![^\s(\[,;])#([^\W\d_][\w/-]*|\d+[\w/-]*[^\W\d][\w/-]*)")
_CODE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def parse_front_matter(text: str) -> StatedFields:
    """Read the front matter at the beginning of a text."""
    fenced = _FENCED.match(text[:_LONGEST])
    if fenced is None:
        return StatedFields()
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(fenced[2]):
        fields.setdefault(match[1].lower(), match[2].strip())
    authors = next((fields[key] for key in _AUTHORS if fields.get(key)), "")
    days = (iso_day(_bare(fields[key])) for key in _DATES if key in fields)
    tags = next((fields[key] for key in _TAGS if fields.get(key)), "")
    return StatedFields(tuple(_names(authors)), next(filter(None, days), ""), tuple(_tags(tags)))


def front_matter_end(text: str) -> int:
    """Find the character after the front matter at the beginning of a text; 0 without any."""
    fenced = _FENCED.match(text[:_LONGEST])
    return 0 if fenced is None else fenced.end()


def with_title_alone(text: str) -> str:
    """Replace the front matter at the beginning of a text by the title that it gives."""
    end = front_matter_end(text)
    if not end or not text[end:].strip():
        return text
    title = next((_bare(match[2]) for match in _FIELD.finditer(text[:end]) if match[1].lower() == "title"), "")
    return f"{title}\n{text[end:].lstrip()}".lstrip()


def has_own_fields(text: str) -> bool:
    """Tell whether lines have fields other than a title, authors, a date and tags."""
    known = {"title", *_AUTHORS, *_DATES, *_TAGS}
    return any(match[1].lower() not in known for match in _FIELD.finditer(text))


def tags_of(text: str) -> frozenset[str]:
    """Read the tags of a Markdown document, of its front matter and in its text.

    A tag counts with the tags above it: `#home/garden` is `home/garden` and `home`.

    Args:
        text: The document.

    Returns:
        The tags, in small letters and without `#`.
    """
    stated = parse_front_matter(text).tags
    tags = {tag.lower() for tag in (*stated, *_INLINE_TAG.findall(_CODE.sub(" ", text)))}
    # A tag of more words is found by each of them too, as Obsidian takes them.
    tags |= {word for tag in tags for word in tag.split()}
    return frozenset("/".join(tag.split("/")[:depth]) for tag in tags for depth in range(1, tag.count("/") + 2))


def _names(value: str) -> Iterator[str]:
    """Yield the names in the value of a field: one, a list in brackets, or items below."""
    for item in _items(value):
        if _OTHER_KEY.match(item) and not item.lower().startswith("name:"):
            continue
        match = _NAME.match(_bare(item))
        if match and (name := _bare(match[1])):
            yield name


def _tags(value: str) -> Iterator[str]:
    """Yield the tags in the value of a field; words without commas are a tag each."""
    items = list(_items(value))
    if len(items) == 1 and not value.startswith(("[", "-", '"', "'")):
        items = re.split(r"[,\s]+", items[0])
    yield from (tag for item in items if (tag := _bare(item).lstrip("#").strip()) and tag != "-")


def _items(value: str) -> Iterator[str]:
    """Yield the items of a list in YAML or TOML, or the only value."""
    value = _COMMENT.sub("", value).strip()
    if value.startswith("["):
        yield from (item.strip() for item in re.split(r"[,\r\n]+", value.strip("[] \t\r\n")))
    elif "\n" in value:
        yield from (line.strip().removeprefix("- ").strip(" {}") for line in value.splitlines())
    else:
        yield value


def _bare(value: str) -> str:
    return value.strip().strip("\"'").strip()
