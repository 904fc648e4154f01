"""Paints photo.jpg: mountains over a lake at dusk, with the grain of a camera. The same picture at every run.

python3 -m venv /tmp/paint && /tmp/paint/bin/pip install numpy pillow && /tmp/paint/bin/python make_photo.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 2400, 1600
HORIZON = 1010  # The line of the water, in pixels from the top.
RANDOM = np.random.default_rng(1707)


def noise(width, height, cells, octaves, roughness=0.55):
    """Smooth random hills between 0 and 1: ever finer grids of random values, each weaker than the one before."""
    total, weight = np.zeros((height, width)), 1.0
    for octave in range(octaves):
        count = cells * 2**octave
        rows = max(2, round(count * height / width) + 1)
        grid = Image.fromarray(RANDOM.random((rows, count + 1)).astype(np.float32))
        total += weight * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC))
        weight *= roughness
    return (total - total.min()) / (total.max() - total.min())


def mix(below, above, amount):
    """Two colours or pictures, `amount` of the second."""
    amount = np.asarray(amount)[..., None]
    return np.asarray(below, float) * (1 - amount) + np.asarray(above, float) * amount


def sky():
    height = np.linspace(1, 0, HORIZON)[:, None].repeat(WIDTH, 1)
    colours = mix((255, 190, 120), (226, 130, 130), np.clip(height * 2.2, 0, 1))
    colours = mix(colours, (58, 84, 142), np.clip(height * 1.5 - 0.35, 0, 1))
    clouds = noise(WIDTH, HORIZON * 4, 3, 8)[::4]
    cover = np.clip((clouds - 0.52) * 3.4, 0, 0.85) * np.clip(0.25 + height, 0, 1)
    colours = mix(colours, mix((255, 214, 170), (150, 120, 150), height), cover)
    y, x = np.mgrid[0:HORIZON, 0:WIDTH]
    glow = np.exp(-(((x - 1650) / 620) ** 2) - ((y - 860) / 330) ** 2)
    return mix(colours, (255, 232, 180), 0.75 * glow)


def range_of_mountains(picture, base, height, cells, rock, haze, snow):
    """Paints one ridge over the picture: rock lit from the right, snow above a line, haze towards its foot."""
    ridge = noise(WIDTH, 4, cells, 9, 0.5)[1]
    top = base - height * (0.25 + 0.75 * ridge)
    y = np.arange(HORIZON)[:, None]
    inside = np.clip(y - top[None, :], 0, 1)
    stone = noise(WIDTH, HORIZON, cells * 6, 7, 0.72)
    light = np.clip(0.62 + 9 * np.gradient(stone, axis=1) * (120 / cells) ** 0.5 + 0.5 * (stone - 0.5), 0.15, 1.35)
    colours = np.array(rock, float) * light[..., None]
    above = np.clip((snow - y) / 90 + (stone - 0.5) * 3.4, 0, 1) if snow else np.zeros_like(stone)
    colours = mix(colours, np.array((236, 226, 232)) * np.clip(light, 0.55, 1.05)[..., None], above)
    colours = mix(colours, haze, np.clip((y - top[None, :]) / (HORIZON - top[None, :] + 1), 0, 1) * 0.72)
    return mix(picture, np.clip(colours, 0, 255), inside)


def forest(picture):
    """A dark shore of firs: each a jagged triangle, taller to the sides of the picture."""
    x = np.arange(WIDTH)
    top = np.full(WIDTH, HORIZON - 12.0)
    for centre in np.sort(RANDOM.uniform(0, WIDTH, 520)):
        side = abs(centre - 1500) / 1500
        tall = RANDOM.uniform(16, 34) + 120 * side**2 * RANDOM.uniform(0.5, 1.1)
        jagged = tall * (1 - np.abs(x - centre) / (0.2 * tall + 4)) + RANDOM.normal(0, 2.2, WIDTH)
        top = np.minimum(top, HORIZON - np.maximum(jagged, 0))
    y = np.arange(HORIZON)[:, None]
    needles = noise(WIDTH, HORIZON, 160, 4, 0.9)
    colours = np.array((26, 34, 38)) * (0.6 + 0.9 * needles)[..., None]
    return mix(picture, colours, np.clip(y - top[None, :], 0, 1))


def lake(land):
    """The land upside down, broken by ripples that widen towards the viewer, darker with depth."""
    depth = HEIGHT - HORIZON
    rows = np.arange(depth)
    ripples = noise(WIDTH, depth * 6, 10, 8, 0.7)[::6] - 0.5
    near = (rows / depth)[:, None]
    y = HORIZON - 1 - (rows[:, None] * 1.45) - ripples * (20 + 190 * near)
    x = np.arange(WIDTH)[None, :] + ripples * 60 * near
    mirrored = land[np.clip(y, 0, HORIZON - 1).astype(int), np.clip(x, 0, WIDTH - 1).astype(int)]
    water = mix(mirrored * 0.82, (18, 34, 56), 0.25 + 0.45 * near * np.ones_like(ripples))
    return water + 90 * np.clip(ripples - 0.12, 0, 1)[..., None] * (0.4 + near[..., None])


def photograph():
    """The whole picture, with a lens's vignette and a sensor's grain."""
    land = sky()
    land = range_of_mountains(land, 1010, 640, 4, (120, 116, 140), (214, 170, 160), 560)
    land = range_of_mountains(land, 1020, 430, 6, (84, 86, 104), (190, 150, 150), 690)
    land = range_of_mountains(land, 1030, 230, 9, (52, 62, 66), (130, 116, 124), None)
    picture = np.vstack([forest(land), lake(forest(land))])
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    picture *= (1 - 0.22 * (x**2 + y**2) / 2)[..., None]
    grain = RANDOM.normal(0, 3.2, (HEIGHT, WIDTH, 1)) + RANDOM.normal(0, 1.2, (HEIGHT, WIDTH, 3))
    return Image.fromarray(np.clip(picture + grain, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    photograph().save(Path(__file__).with_name("photo.jpg"), quality=84, optimize=True)
