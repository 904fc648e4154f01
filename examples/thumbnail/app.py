"""A photograph in, a smaller one out: {"image": base64, "width": 320} → {"image": base64, "width", "height", …}."""

import base64
import io

from PIL import Image, ImageOps, UnidentifiedImageError

WIDEST = 2048


def handler(event, context):
    photo = opened(event.get("image"))
    width = wanted_width(event.get("width", 320))
    print(f"{photo.format} of {photo.width} x {photo.height} to {width} wide")
    # A JPEG can be decoded at a half, a quarter or an eighth of its size, which is most of the work saved.
    photo.draft("RGB", (2 * width, 2 * width))
    # Cameras store how they were held beside the pixels; the thumbnail has the pixels upright and says nothing.
    upright = ImageOps.exif_transpose(photo)
    upright.thumbnail((width, upright.height), Image.Resampling.LANCZOS)
    return answer(upright.convert("RGB"))


def opened(image):
    if not isinstance(image, str) or not image:
        raise ValueError("The event needs an `image`: a photograph in base64.")
    try:
        content = base64.b64decode(image, validate=True)
    except ValueError as error:
        raise ValueError(f"`image` is no base64: {error}") from None
    try:
        return Image.open(io.BytesIO(content))
    except UnidentifiedImageError:
        raise ValueError("`image` is base64, but of nothing that Pillow knows as an image.") from None


def wanted_width(width):
    if not isinstance(width, int) or not 1 <= width <= WIDEST:
        raise ValueError(f"`width` has to be a whole number of pixels from 1 to {WIDEST}, not {width!r}.")
    return width


def answer(thumbnail):
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=85, optimize=True)
    content = file.getvalue()
    return {
        "image": base64.b64encode(content).decode(),
        "width": thumbnail.width,
        "height": thumbnail.height,
        "format": "JPEG",
        "bytes": len(content),
    }
