"""The page in headless Chromium: text, picture, microphone, a phone, and no request elsewhere.

T2T_MM_SCREENSHOTS names a folder for pictures of it.
"""

import io
import json
import os
import pathlib
import re
import shutil

import pytest
import tensorflow as tf
from PIL import Image

from tests.serving import toys

CHROMIUM = shutil.which("chromium")
playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("gradio")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]
WAIT_MS = 60_000
playwright.expect.set_options(timeout=WAIT_MS)
TOKEN = "0123456789abcdef"
FLAGS = [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


class Seen(tf.Module):
    """Says of a picture its width, of a sound its seconds; explains a text by its words."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image")])
    def picture(self, image):
        width = tf.map_fn(
            lambda data: tf.shape(tf.io.decode_image(data, expand_animations=False))[1],
            image,
            fn_output_signature=tf.int32,
        )
        rows = tf.shape(image)[0]
        wide = tf.cast(width > 50, tf.float32)
        return {
            "outputs": tf.where(width > 50, "wide", "narrow"),
            "probabilities": tf.stack([wide, 1 - wide], 1),
            "classes": tf.ensure_shape(tf.tile([["wide", "narrow"]], [rows, 1]), [None, 2]),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "sound")])
    def sound(self, sound):
        samples = (tf.strings.length(sound) - 44) // 2
        seconds = tf.strings.as_string(tf.cast(samples, tf.float32) / 8000, precision=0)
        return {"outputs": seconds + " s", "scores": tf.cast(samples, tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def text(self, inputs):
        bad = tf.equal(inputs, "")
        errors = tf.where(bad, "The text is empty.", "")
        scores = tf.cast(tf.strings.length(inputs), tf.float32)
        outputs = tf.strings.upper(inputs)
        return {"outputs": outputs, "scores": -scores, "errors": errors}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "inputs"),
            tf.TensorSpec([None], tf.string, "outputs"),
        ]
    )
    def explain(self, inputs, outputs):
        source, target = (tf.strings.split(t, " ").to_tensor("") for t in (inputs, outputs))
        size = tf.shape(source)[1]
        weights = tf.nn.softmax(4 * tf.eye(tf.shape(target)[1], size))
        weights = tf.tile(weights[None], [tf.shape(inputs)[0], 1, 1])
        places = tf.stack([tf.zeros([size], tf.int32), tf.range(size)], -1)
        origins = tf.tile(places[None], [tf.shape(inputs)[0], 1, 1])
        return {
            "tokens": target,
            "source_tokens": source,
            "origins": origins,
            "attention": weights,
            "experts": tf.ones(tf.concat([tf.shape(target), [4]], 0)) / 4,
        }


def export(folder, name, functions, inputs, **rest):
    module = Seen()
    signatures = {key: getattr(module, one).get_concrete_function() for key, one in functions}
    tf.saved_model.save(module, str(folder / name / "1"), signatures=signatures)
    described = {"problem": name, "inputs": inputs, "targets": {}, **rest}
    place = folder / name / "1" / "assets.extra"
    place.mkdir(exist_ok=True)
    details = {"step": 100, "model": "toy", "signatures": {"serving_default": described}}
    (place / "export.json").write_text(json.dumps(details))
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    text = {"inputs": {"modality": "language"}}
    examples = [{"inputs": {"inputs": "a small dog runs"}, "reference": "EIN KLEINER HUND"}]
    both = [("serving_default", "text"), ("explain", "explain")]
    export(folder, "translation", both, text, examples=examples)
    picture = {"image": {"modality": "image", "size": 64}}
    examples = [{"inputs": {"image": {"file": "assets.extra/wide.png"}}, "reference": "wide"}]
    place = export(folder, "pictures", [("serving_default", "picture")], picture, examples=examples)
    Image.new("RGB", (80, 40), (30, 90, 200)).save(place / "wide.png")
    sound = {"sound": {"modality": "audio", "sample_rate": 8000, "max_seconds": 20}}
    export(folder, "speech", [("serving_default", "sound")], sound)
    return folder


@pytest.fixture(scope="module")
def url(folder):
    with toys.Process(f"--export_dir={folder}", "--ui") as server:
        yield server.url


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@pytest.fixture(params=[1280, 390])
def page(request, browser, url):
    """A page of so many pixels' width; the narrow one is dark."""
    scheme = "light" if request.param > 600 else "dark"
    size = {"width": request.param, "height": 900}
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.set_default_timeout(WAIT_MS)
    asked, wrong = [], []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(url, wait_until="domcontentloaded")
    yield page
    folder = os.environ.get("T2T_MM_SCREENSHOTS")
    if folder:
        name = re.sub(r"\W+", "-", request.node.name)
        page.screenshot(path=pathlib.Path(folder) / f"{name}.png", full_page=True)
    own = (url, "data:", "blob:")
    assert [sent for sent in asked if not sent.startswith(own)] == []
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def panel(page, name):
    """Chooses a tab, which may be in the menu of those that have no room."""
    page.get_by_role("tab").first.wait_for()
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        page.locator(".overflow-menu > button").first.click()
        tab = page.get_by_role("button", name=name, exact=True)
    tab.click()
    return page.locator("[role=tabpanel]:visible")


def output(shown):
    return shown.locator(".mm-output textarea")


def press(shown):
    shown.get_by_role("button", name="Answer").click()


def test_a_text(page):
    shown = panel(page, "translation")
    press(shown)
    playwright.expect(shown.get_by_role("alert")).to_have_text("The text is empty.")
    shown.get_by_text("a small dog runs").click()
    playwright.expect(shown.get_by_label("Reference of the example")).to_have_value(
        "EIN KLEINER HUND"
    )
    press(shown)
    playwright.expect(output(shown)).to_have_value("A SMALL DOG RUNS")
    playwright.expect(shown.get_by_role("alert")).to_be_hidden()
    playwright.expect(shown.locator(".mm-pictures svg")).to_have_count(2)
    assert "DOG, dog" in shown.locator(".mm-pictures").inner_html()


def test_a_picture(page):
    shown = panel(page, "pictures")
    press(shown)
    playwright.expect(shown.get_by_role("alert")).to_contain_text("'image' is missing")
    file = io.BytesIO()
    Image.new("RGB", (80, 40)).save(file, "WEBP")
    chosen = shown.locator("input[type=file]").first
    chosen.set_input_files({"name": "x.webp", "mimeType": "image/webp", "buffer": file.getvalue()})
    shown.get_by_role("img").first.wait_for()
    press(shown)
    playwright.expect(shown.get_by_test_id("label-output-value")).to_have_text("wide")


def test_a_picture_that_is_none(page):
    shown = panel(page, "pictures")
    chosen = shown.locator("input[type=file]").first
    chosen.set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    shown.get_by_role("img").first.wait_for(state="attached")
    press(shown)
    playwright.expect(shown.get_by_role("alert")).to_contain_text("The file is no picture")


def test_the_microphone(page):
    shown = panel(page, "speech")
    shown.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(1500)
    shown.get_by_role("button", name="Stop", exact=True).click()
    shown.get_by_label("Play").first.wait_for()
    press(shown)
    playwright.expect(output(shown)).to_have_value(re.compile(r"^[12] s$"))


def test_a_token_is_asked_for(folder, browser, tmp_path):
    (tmp_path / "tokens").write_text(TOKEN)
    (tmp_path / "tokens").chmod(0o600)
    flags = (f"--export_dir={folder}", "--ui", f"--token_file={tmp_path / 'tokens'}")
    with toys.Process(*flags) as server:
        page = browser.new_page()
        assert page.goto(server.url).status == 401
        page.close()
        known = browser.new_context(http_credentials={"username": "me", "password": TOKEN})
        page = known.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(server.url, wait_until="domcontentloaded")
        shown = panel(page, "translation")
        shown.get_by_label("inputs").fill("yes")
        press(shown)
        playwright.expect(output(shown)).to_have_value("YES")
        known.close()


def test_many_problems_are_chosen_from_a_list(browser, tmp_path):
    toys.export(tmp_path / "many", signatures={f"problem_{i}": "echo" for i in range(14)})
    with toys.Process(f"--export_dir={tmp_path}", "--ui") as server:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(WAIT_MS)
        page.goto(server.url, wait_until="domcontentloaded")
        chosen = page.get_by_label("Problem", exact=False)
        chosen.click()
        page.get_by_role("option", name="problem_7").click()
        page.get_by_label("inputs").fill("yes")
        press(page)
        playwright.expect(output(page)).to_have_value("yes!")
        assert server.end()[0] == 0  # though the page is open
        page.close()
