from __future__ import annotations

from html.parser import HTMLParser

from dynsparse.report.markup import box, details, element, flatten, make_table, prose, text

HOSTILE = "<script>alert('x')</script>\"&amp;\x00\ud800"


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.data = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.data.append(data)


def read(markup):
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


def test_text_is_shown_as_it_is_but_for_what_html_can_not_hold():
    reader = read(f"<p>{text(HOSTILE)}</p>")
    assert [tag for tag, _ in reader.tags] == ["p"]
    assert "".join(reader.data) == "<script>alert('x')</script>\"&amp;\N{REPLACEMENT CHARACTER}?"


def test_an_attribute_can_not_be_left():
    ((tag, attributes),) = read(element("img", alt='"><script>', src="data:,", class_="a b", aria_label=3)).tags
    assert tag == "img"
    assert attributes == {"alt": '"><script>', "src": "data:,", "class": "a b", "aria-label": "3"}


def test_elements_nest_and_void_ones_do_not_close():
    assert element("p", element("br"), "x", id="i") == '<p id="i"><br>x</p>'
    assert details("more <", "<p></p>") == "<details><summary>more &lt;</summary><p></p></details>"


def test_a_table_scrolls_in_its_own_box_and_escapes_its_cells():
    markup = make_table("all <b>", ("name", "x", "y"), [("<i>", 1, 2), ("gone", "missing")])
    reader = read(markup)
    assert [tag for tag, _ in reader.tags].count("tr") == 3
    assert {tag for tag, _ in reader.tags} == {"p", "div", "table", "thead", "tbody", "tr", "th", "td"}
    (scrolls,) = [attributes for tag, attributes in reader.tags if tag == "div"]
    assert (scrolls["class"], scrolls["tabindex"]) == ("scroll", "0")
    assert [attributes.get("colspan") for tag, attributes in reader.tags if tag == "td"] == [None, None, "2"]
    assert "<i>" in reader.data


def test_columns_of_words_stand_at_the_left():
    columns = ("name", "why", "x")
    reader = read(make_table("c", columns, [("a", "word", 1), ("b", "gone")], words=("why",)))
    assert [a.get("class") for tag, a in reader.tags if tag == "th"] == [None, "words", None, None, None]
    assert [a.get("class") for tag, a in reader.tags if tag == "td"] == ["words", None, "missing"]
    last = read(make_table("c", columns[:2], [("a", "word")], words=("why",)))
    assert [a.get("class") for tag, a in last.tags if tag == "td"] == ["words"]


def test_numbers_shares_and_derivatives_stay_on_one_line():
    kept = [piece.split("</span>")[0] for piece in prose("∂s'/∂a: 5.2 % <0.1 % at 1e-15, 3 rows").split('unbroken">')]
    assert kept[1:] == ["∂s&#x27;/∂a", "5.2 %", "&lt;0.1 %", "1e-15"]
    assert "".join(read(prose("a < 5.2 % & b")).data) == "a < 5.2 % & b"


def test_records_are_listed_under_dotted_names():
    record = {"a": {"b": 1, "c": {"d": None}}, "e": "text", "f": [1, "two"]}
    assert flatten(record) == [("a.b", "1"), ("a.c.d", "null"), ("e", "text"), ("f", '[1, "two"]')]


def test_a_box_is_reached_by_the_keyboard():
    ((_, attributes),) = read(box("", "matrix")).tags
    assert attributes == {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "matrix"}
