"""The browser that the tests use can do what the page needs: draw Thai, and WebGL for the map."""

from playwright.sync_api import Browser

THAI = "สถานีตำรวจภูธรเมืองภูเก็ต"
WIDTHS = """(text) => {
  const context = document.createElement("canvas").getContext("2d");
  const width = (font, words) => { context.font = `40px ${font}`; return context.measureText(words).width; };
  return [width("Loma", text), width("sans-serif", text), width("sans-serif", "\\u{10fff0}".repeat(text.length))];
}"""


def test_thai_is_drawn_with_a_thai_font(browser: Browser) -> None:
    page = browser.new_page()
    thai_font, fallback, missing_glyphs = page.evaluate(WIDTHS, THAI)
    assert thai_font == fallback
    assert fallback != missing_glyphs
    page.close()


def test_the_map_gets_webgl(browser: Browser) -> None:
    page = browser.new_page()
    assert page.evaluate("() => document.createElement('canvas').getContext('webgl2') !== null")
    page.close()
