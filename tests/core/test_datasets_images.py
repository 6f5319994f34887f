"""Image files of every form are read as a person sees them."""

import warnings

import numpy as np
import pytest
from PIL import Image

import micrograd_tiers as mt
from micrograd_tiers.datasets import read_image

GRAY = np.rint(np.add.outer(np.linspace(0, 100, 20), np.linspace(0, 155, 24))).astype(np.uint8)  # 0 to 255


def image_of(values, mode=None):
    image = Image.fromarray(values)
    return image if mode is None else image.convert(mode)


def with_alpha(values, alpha):
    return Image.merge("LA", [Image.fromarray(values), Image.fromarray(alpha)])


def turned(values):
    """Return the image turned by 90 degrees, with an EXIF tag that says so, as phones save an upright picture."""
    image = Image.fromarray(np.rot90(values).copy())
    image.getexif()[0x0112] = 6
    return image


def of_palette(values):
    image = Image.frombytes("P", values.shape[::-1], values.tobytes())
    image.putpalette([level for level in range(256) for _ in range(3)])
    return image


OPAQUE = np.full_like(GRAY, 255)
READ = {  # name of the file, image, largest error
    "gray": ("x.png", image_of(GRAY), 1e-9),
    "rgb": ("x.png", image_of(GRAY, "RGB"), 1e-9),
    "opaque": ("x.png", with_alpha(GRAY, OPAQUE), 1e-9),
    "palette": ("x.png", of_palette(GRAY), 1e-9),
    "palette of a GIF": ("x.gif", of_palette(GRAY), 1e-9),
    "JPEG": ("x.jpg", image_of(GRAY), 0.04),
    "CMYK": ("x.tif", image_of(GRAY, "RGB").convert("CMYK"), 0.01),
    "CMYK JPEG": ("x.jpg", image_of(GRAY, "RGB").convert("CMYK"), 0.05),
    "turned": ("x.png", turned(GRAY), 1e-9),
    "turned JPEG": ("x.jpg", turned(GRAY), 0.04),
    "16 bits": ("x.png", image_of(GRAY * np.uint16(257)), 1e-9),
    "16 bits, TIFF": ("x.tif", image_of(GRAY * np.uint16(257)), 1e-9),
    "floats up to 1": ("x.tif", image_of((GRAY / 255).astype(np.float32)), 1e-7),
    "floats a little over 1": ("x.tif", image_of((GRAY / 250).astype(np.float32)), 0.021),
}


def save(image, name):
    image.save(name, exif=image.getexif())
    return name


@pytest.mark.parametrize(("name", "image", "error"), READ.values(), ids=READ)
def test_every_usual_form_is_read_as_it_is_seen(folder, name, image, error):
    with warnings.catch_warnings(action="error"):
        gray = read_image(save(image, name))
    assert gray.shape == GRAY.shape
    np.testing.assert_allclose(gray, GRAY / 255, rtol=0, atol=error)


UNUSUAL = {
    "16 bits, filled to 255": (GRAY.astype(np.uint16), "0 to 255; 0 is taken as black and 255 as white"),
    "16 bits, filled to 4095": (GRAY * np.uint16(16), "0 to 4080; 0 is taken as black and 4095 as white"),
    "32 bits, filled to 255": (GRAY.astype(np.int32), "0 to 255; 0 is taken as black and 255 as white"),
    "32 bits, filled": (GRAY * np.int32(2**23), r"0 to 2.1391e\+09; 0 is taken as black and 2.1391e\+09 as white"),
    "floats up to 255": (GRAY.astype(np.float32), "0 to 255; 0 is taken as black and 255 as white"),
    "floats from -1 to 1": (np.float32(GRAY / 127.5 - 1), "-1 to 1; -1 is taken as black and 1 as white"),
    "huge floats": (GRAY * np.float32(1e30), r"0 to 2.55e\+32; 0 is taken as black and 2.55e\+32 as white"),
}


@pytest.mark.parametrize(("values", "text"), UNUSUAL.values(), ids=UNUSUAL)
def test_other_ranges_are_guessed_and_named(folder, values, text):
    Image.fromarray(values).save("x.tif")
    with pytest.warns(UserWarning, match=rf"x\.tif: its gray values are {text}"):
        gray = read_image("x.tif")
    np.testing.assert_allclose(gray, GRAY / 255, rtol=0, atol=0.01)


def test_one_bit_is_black_or_white(folder):
    image_of(GRAY > 100).save("x.png")
    np.testing.assert_array_equal(read_image("x.png"), GRAY > 100)


def test_a_negative_is_shown_as_positive(folder):
    for values in (GRAY, GRAY * np.uint16(257)):
        image = Image.fromarray(values)
        image.save("x.tif", tiffinfo={262: 0})  # white is zero
        with Image.open("x.tif") as opened:
            stored = np.asarray(opened)
        shown = stored / 255 if stored.dtype == np.uint8 else 1 - stored / 65535
        np.testing.assert_allclose(read_image("x.tif"), shown, atol=1e-9)


INK = np.zeros_like(GRAY)
INK[5:15, 10:13] = 255
CARD = np.zeros_like(GRAY)
CARD[2:18, 4:20] = 255


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (with_alpha(OPAQUE - 255, INK), 255 - INK),  # black ink
        (with_alpha(OPAQUE, INK), INK),  # white ink
        (with_alpha(OPAQUE - INK, CARD), 255 - INK),  # black ink on a white card
        (with_alpha(OPAQUE, OPAQUE - 255), OPAQUE),  # nothing
    ],
    ids=["black ink", "white ink", "card", "nothing"],
)
def test_transparent_pixels_are_white_unless_all_others_are_light(folder, image, seen):
    image.save("x.png")
    np.testing.assert_allclose(read_image("x.png"), seen / 255)
    np.testing.assert_allclose(read_image("x.png", invert=True), 1 - seen / 255)


def test_not_a_number_is_refused(folder):
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save("x.tif")
    with pytest.raises(mt.DataError, match=r"x\.tif: its gray values hold NaN or infinity"):
        read_image("x.tif")


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n"])
def test_other_files_are_refused(folder, content):
    (folder / "x.png").write_bytes(content)
    with pytest.raises(mt.DataError, match=r"x\.png: cannot be read as an image"):
        read_image("x.png")


@pytest.mark.parametrize("values", [GRAY, GRAY.astype(np.uint16) * 257, (GRAY / 255).astype(np.float32)])
def test_a_shape_scales_and_pads_the_image(folder, values):
    Image.fromarray(values).save("x.tif")
    image = read_image("x.tif", (30, 24))
    np.testing.assert_allclose(image[5:25], GRAY / 255, atol=1e-6)
    assert not image[:5].any()
    assert not image[25:].any()
