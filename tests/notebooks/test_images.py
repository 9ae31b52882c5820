"""The diagrams in images/: legible on any page background, small, safe, and all of one style."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
IMAGES = sorted((ROOT / "images").glob("*.svg"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = {path.name[:2] for path in NOTEBOOKS}

SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
TEXT_ON_SCREEN = 800  # px: the width at which the diagrams are drawn
SMALLEST_TEXT = 16  # px at that width; 10 px in a cell of 520 px, beside JupyterLab's file browser
CONTRAST = 4.5  # WCAG 2.2, 1.4.3 Contrast (Minimum), for text of this size
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*)\}\s*$", re.S)
MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)

in_both_themes = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
every_image = pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)


@dataclass(frozen=True)
class Shape:
    """A filled rectangle, circle or polygon by its bounding box, with every colour it shows."""

    left: float
    top: float
    right: float
    bottom: float
    fills: tuple[str, ...]

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def parse(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def style_rules(root: ElementTree.Element, dark: bool = False) -> dict[str, dict[str, str]]:
    """The sheet's declarations by selector: ``{".note": {"font-size": "16px", …}, …}``.

    dark: as they are where the page, or the system, is dark.
    """
    sheet = root.findtext(f"{SVG}style") or ""
    rules: dict[str, dict[str, str]] = {}
    for part in [DARK.sub("", sheet), *(DARK.findall(sheet) if dark else [])]:
        for selector, body in re.findall(r"([^{}]+)\{([^}]*)\}", part):
            declared = dict(re.findall(r"([\w-]+):\s*([^;]+);", body))
            rules.setdefault(selector.strip(), {}).update(declared)
    return rules


def style_of(element: ElementTree.Element, rules: dict[str, dict[str, str]]) -> dict[str, str]:
    """What the sheet gives an element: its tag's rule, then its classes' in sheet order."""
    classes = {f".{name}" for name in element.get("class", "").split()}
    tag = element.tag.removeprefix(SVG)
    found: dict[str, str] = dict(rules.get(tag, {}))
    for selector, declarations in rules.items():
        if selector in classes:
            found.update(declarations)
    return found


def font_size(style: dict[str, str]) -> float:
    """In user units: ``font-size`` where a class sets it, else the size in ``font``."""
    found = re.search(r"([\d.]+)px", style.get("font-size") or style["font"])
    assert found, f"no size in px: {style}"
    return float(found[1])


def fills_of(
    style: dict[str, str], root: ElementTree.Element, rules: dict[str, dict[str, str]]
) -> tuple[str, ...]:
    """The colours of a fill: one, or each colour of the pattern it points to."""
    fill = style.get("fill", "none")
    if not fill.startswith("url(#"):
        return () if fill == "none" else (fill,)
    pattern = root.find(f".//{SVG}pattern[@id='{fill[5:-1]}']")
    assert pattern is not None, f"{fill} is not defined"
    parts = [part for part in pattern.iter() if part.get("fill")]
    named = [rules.get(f"{fill[4:-1]} rect", {}), rules.get(f"{fill[4:-1]} rect + rect", {})]
    return tuple(
        rule.get("fill", str(part.get("fill"))) for part, rule in zip(parts, named, strict=True)
    )


def shapes(root: ElementTree.Element, dark: bool = False) -> list[Shape]:
    """The filled shapes in painting order: a later one lies on top of an earlier one."""
    rules = style_rules(root, dark)
    found = []
    for element in root:
        fills = fills_of(style_of(element, rules), root, rules)
        if not fills:
            continue
        if element.tag == f"{SVG}rect":
            x, y, width, height = (float(element.get(k, 0)) for k in ("x", "y", "width", "height"))
            found.append(Shape(x, y, x + width, y + height, fills))
        elif element.tag == f"{SVG}circle":
            x, y, r = (float(element.get(k, 0)) for k in ("cx", "cy", "r"))
            found.append(Shape(x - r, y - r, x + r, y + r, fills))
        elif element.tag == f"{SVG}polygon":
            pairs = [pair.split(",") for pair in element.get("points", "").split()]
            xs, ys = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
            found.append(Shape(min(xs), min(ys), max(xs), max(ys), fills))
    return found


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def text_width(text: str, size: float, style: dict[str, str]) -> float:
    """About the width of a line in user units, as the common system fonts would set it."""
    if "monospace" in style.get("font-family", ""):
        return 0.602 * size * len(text)
    per_letter = 0.58 if style.get("font-weight") == "700" else 0.53
    narrow = sum(text.count(letter) for letter in " .,:;'ijlIt()|")
    return size * (per_letter * (len(text) - narrow) + 0.31 * narrow)


def text_box(element: ElementTree.Element, style: dict[str, str]) -> Shape:
    size, content = font_size(style), element.text or ""
    width = text_width(content, size, style)
    left = float(element.get("x", 0)) - (width / 2 if style.get("text-anchor") == "middle" else 0)
    baseline = float(element.get("y", 0))
    return Shape(left, baseline - 0.75 * size, left + width, baseline + 0.2 * size, ())


def unreadable_texts(root: ElementTree.Element, dark: bool = False) -> list[str]:
    """Texts whose contrast with the shape under them, or with the panel, is too low."""
    rules, under = style_rules(root, dark), shapes(root, dark)
    panel = under[0]
    found = []
    for element in root.iter(f"{SVG}text"):
        style = style_of(element, rules)
        box = text_box(element, style)
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        top = [shape for shape in under if shape.holds(x, y)][-1]
        worst = min(contrast(style["fill"], fill) for fill in (*top.fills, *panel.fills))
        if worst < CONTRAST:
            found.append(f"{element.text!r}: {worst:.1f}")
    return found


def overflowing_texts(root: ElementTree.Element) -> list[str]:
    """Texts that run over the side of the innermost shape they stand in."""
    rules, under = style_rules(root), shapes(root)
    found = []
    for element in root.iter(f"{SVG}text"):
        box = text_box(element, style_of(element, rules))
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        around = [shape for shape in under if shape.holds(x, y)]
        inner = min(around, key=lambda shape: shape.right - shape.left, default=None)
        if inner is None or box.left < inner.left or box.right > inner.right:
            found.append(str(element.text))
    return found


def image_problems(markdown: str, folder: Path) -> list[str]:
    """Images in a markdown text without alt text, or whose file is not there."""
    uses = [(found["alt"], found["target"]) for found in MARKDOWN_IMAGE.finditer(markdown)]
    for tag in HTML_IMAGE.findall(markdown):
        attributes = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)[\"']", tag))
        uses.append((attributes.get("alt", ""), attributes.get("src", "")))
    problems = []
    for alt, target in uses:
        if len(alt.split()) < 3:
            problems.append(f"{target}: no alt text that says what it shows")
        if "://" in target or not (folder / target).is_file():
            problems.append(f"{target}: not a file of this repository")
    return problems


def test_each_lesson_prefix_and_name() -> None:
    assert IMAGES, "images/ holds no diagram"
    for path in IMAGES:
        found = re.fullmatch(r"(\d\d)(-[a-z0-9]+)+\.svg", path.name)
        assert found, f"{path.name} is not NN-kebab.svg"
        assert found[1] in LESSONS, f"{path.name} belongs to no lesson"
    assert {path.name[:2] for path in IMAGES} == LESSONS


@every_image
def test_is_well_formed_small_and_scales(path: Path) -> None:
    root = parse(path)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}g") is None, "a group could move what the checks below measure"
    assert not [element for element in root if element.get("transform") or element.get("style")]
    assert path.stat().st_size < 12 * 1024
    _, _, width, height = (float(number) for number in root.get("viewBox", "").split())
    assert width == TEXT_ON_SCREEN
    assert (float(root.get("width", 0)), float(root.get("height", 0))) == (width, height)


@every_image
def test_names_and_describes_itself(path: Path) -> None:
    root = parse(path)
    assert root.get("role") == "img"
    named = {element.get("id"): (element.text or "").strip() for element in root}
    title, description = (named[name] for name in root.get("aria-labelledby", "").split())
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    assert len(title.split()) >= 3
    assert len(description.split()) >= 20


@every_image
def test_holds_no_script_and_nothing_from_elsewhere(path: Path) -> None:
    root = parse(path)
    ids = {element.get("id") for element in root.iter()}
    for element in root.iter():
        assert element.tag not in {f"{SVG}script", f"{SVG}foreignObject", f"{SVG}image"}
        assert not [name for name in element.attrib if name.lower().startswith("on")]
        for target in (element.get("href"), element.get(XLINK_HREF)):
            assert target is None or (target.startswith("#") and target[1:] in ids), target
    source = path.read_text(encoding="utf-8")
    assert "@import" not in source
    assert "<!ENTITY" not in source
    for target in re.findall(r"url\(([^)]*)\)", source):
        assert target.startswith("#"), f"{target} is outside the file"
        assert target[1:] in ids, f"{target} is not in the file"


@every_image
def test_brings_its_own_background(path: Path) -> None:
    """Legible on a white and on a black page: an opaque panel lies under everything."""
    root = parse(path)
    panel = shapes(root)[0]
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert (panel.left, panel.top) == (1, 1)
    assert (panel.right, panel.bottom) == (width - 1, height - 1)
    assert all(re.fullmatch(r"#[0-9a-f]{6}", fill) for fill in panel.fills)


@every_image
def test_text_is_large_enough(path: Path) -> None:
    root = parse(path)
    rules = style_rules(root)
    scale = TEXT_ON_SCREEN / float(root.get("viewBox", "").split()[2])
    for element in root.iter(f"{SVG}text"):
        assert font_size(style_of(element, rules)) * scale >= SMALLEST_TEXT, element.text


@in_both_themes
@every_image
def test_text_stands_out_from_what_is_under_it(path: Path, dark: bool) -> None:
    assert unreadable_texts(parse(path), dark) == []


@every_image
def test_is_dark_where_the_page_is(path: Path) -> None:
    """https://developer.mozilla.org/en-US/docs/Web/CSS/@media/prefers-color-scheme"""
    root = parse(path)
    light, dark = shapes(root), shapes(root, dark=True)
    assert [luminance(fill) > 0.5 for shape in light for fill in shape.fills].count(False) == 0
    assert [luminance(fill) < 0.1 for shape in dark for fill in shape.fills].count(False) == 0


@every_image
def test_text_stays_inside_its_box(path: Path) -> None:
    assert overflowing_texts(parse(path)) == []


@every_image
def test_meaning_is_never_colour_alone(path: Path) -> None:
    """Readable is dashed, encrypted is hatched, and the legend says so in words."""
    root = parse(path)
    rules = style_rules(root)
    assert "stroke-dasharray" in rules[".open"]
    assert rules[".sealed"]["fill"].startswith("url(#")
    used = {name for element in root.iter() for name in element.get("class", "").split()}
    words = {element.text for element in root.iter(f"{SVG}text")}
    for kind, word in (("open", "readable"), ("sealed", "encrypted")):
        assert kind not in used or word in words, f"no legend for {word}"
    if root.find(f".//{SVG}use[@href='#key']") is not None:
        assert any("key" in str(word) for word in words)


def test_all_diagrams_share_one_style() -> None:
    sheets = {parse(path).findtext(f"{SVG}style") for path in IMAGES}
    assert len(sheets) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_images_exist_and_have_alt_text(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    markdown = "\n".join(
        "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
    )
    assert image_problems(markdown, path.parent) == []


def test_the_checks_notice_a_bad_diagram() -> None:
    """Pale text, text over the edge, a missing image and a missing alt text are all found."""
    sheet = "text { font: 14px sans-serif; fill: #999999; } .panel { fill: #eeeeee; }"
    root = ElementTree.fromstring(
        f'<svg xmlns="http://www.w3.org/2000/svg"><style>{sheet}</style>'
        '<rect class="panel" x="0" y="0" width="90" height="40"/>'
        '<text x="4" y="20">a line too long for this box</text></svg>'
    )
    assert len(unreadable_texts(root)) == 1
    assert len(overflowing_texts(root)) == 1
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    folder, there = ROOT / "notebooks", f"../images/{IMAGES[0].name}"
    assert image_problems(f"![A diagram of keys]({there})", folder) == []
    assert len(image_problems(f"![]({there})", folder)) == 1
    assert len(image_problems("![A diagram of keys](../images/none.svg)", folder)) == 1
    assert len(image_problems(f'<img src="{there}" width="800">', folder)) == 1
