"""Light: per-vertex irradiance and highlights, the shadow map, and the resolve pass from samples to pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dgbench.synthface.render.kernels import kernel

#: Materials of triangles and vertices: what the resolve pass and the light do with them.
SKIN, STRAND, EYE, FLAT, LASH = 0, 1, 2, 3, 4


@kernel
def light_vertices(
    camera: NDArray[np.float32],
    normals: NDArray[np.float32],
    tangents: NDArray[np.float32],
    material: NDArray[np.uint8],
    base: NDArray[np.float32],
    gloss: NDArray[np.float32],
    occlusion: NDArray[np.float32],
    ambient: NDArray[np.float64],
    directions: NDArray[np.float64],
    colors: NDArray[np.float64],
    reach: NDArray[np.float64],
    shadow: NDArray[np.float32],
    eye_distance: float,
    used: NDArray[np.uint8],
    out: NDArray[np.float32],
) -> None:
    """Write six light values a vertex into ``out`` (V, 6): diffuse RGB times base colour, then highlight RGB.

    Args:
        camera, normals, tangents: (V, 3) in camera space; tangents only where ``material`` is STRAND.
        material: (V,).
        base: (V, 3) linear colour; gloss, occlusion: (V,) 0..1.
        ambient: (3,) RGB; directions: (L, 3) unit; colors: (L, 3); reach: (L,) distance in centimetres or 0.
        shadow: (V,) how much of lamp 0 arrives.
        eye_distance: camera to pivot, centimetres.
        used: (V,) 1 where light is wanted; the rest of ``out`` stays as it is.
    """
    lamps = directions.shape[0]
    for v in range(camera.shape[0]):
        if used[v] == 0:
            continue
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        px, py, pz = camera[v, 0], camera[v, 1], camera[v, 2]
        vx, vy, vz = -px, -py, eye_distance - pz
        s = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx * s, vy * s, vz * s
        kind = material[v]
        ao = occlusion[v]
        sky = (0.78 + 0.22 * ny) * ao
        r, g, b = ambient[0] * sky, ambient[1] * sky, ambient[2] * sky
        hr = hg = hb = 0.0
        for k in range(lamps):
            lx, ly, lz = directions[k, 0], directions[k, 1], directions[k, 2]
            power = 1.0
            if reach[k] > 0.0:
                lx, ly, lz = lx * reach[k] - px, ly * reach[k] - py, lz * reach[k] - pz
                d2 = lx * lx + ly * ly + lz * lz
                s = 1.0 / math.sqrt(d2)
                lx, ly, lz = lx * s, ly * s, lz * s
                power = reach[k] * reach[k] / d2
            lit = power * (shadow[v] if k == 0 else 0.35 + 0.65 * ao)
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            s = 1.0 / math.sqrt(max(hx * hx + hy * hy + hz * hz, 1e-12))
            hx, hy, hz = hx * s, hy * s, hz * s
            ndl = nx * lx + ny * ly + nz * lz
            if kind == 1:
                tx, ty, tz = tangents[v, 0], tangents[v, 1], tangents[v, 2]
                tl = tx * lx + ty * ly + tz * lz
                th = tx * hx + ty * hy + tz * hz
                wrap = max(0.0, (ndl + 0.35) / 1.35)
                d = math.sqrt(max(0.0, 1.0 - tl * tl)) * wrap * lit
                r, g, b = r + colors[k, 0] * d, g + colors[k, 1] * d, b + colors[k, 2] * d
                sh = max(0.0, 1.0 - th * th)
                h = (sh**24 * 0.06 + sh**90 * 0.07) * wrap * lit * gloss[v] * ao
            else:
                if kind == 0:
                    # Red light travels farthest under the skin: it wraps farthest past the terminator.
                    dr = max(0.0, (ndl + 0.28) / 1.28)
                    dg = max(0.0, (ndl + 0.13) / 1.13)
                    db = max(0.0, (ndl + 0.08) / 1.08)
                else:
                    dr = dg = db = max(0.0, ndl)
                r += colors[k, 0] * dr * lit
                g += colors[k, 1] * dg * lit
                b += colors[k, 2] * db * lit
                h = 0.0
                if ndl > 0.0:
                    ndh = max(0.0, nx * hx + ny * hy + nz * hz)
                    vdh = max(0.0, vx * hx + vy * hy + vz * hz)
                    fresnel = 0.04 + 0.96 * (1.0 - vdh) ** 5
                    if kind == 2:
                        h = 9.0 * ndh**400 * lit
                    else:
                        lobe = 2.2 * ndh**14 + 4.5 * ndh**48
                        h = fresnel * lobe * ndl * gloss[v] * lit * ao
            hr, hg, hb = hr + colors[k, 0] * h, hg + colors[k, 1] * h, hb + colors[k, 2] * h
        out[v, 0], out[v, 1], out[v, 2] = r * base[v, 0], g * base[v, 1], b * base[v, 2]
        out[v, 3], out[v, 4], out[v, 5] = hr, hg, hb


@kernel
def resolve(
    ids: NDArray[np.int32],
    samples: int,
    triangles: NDArray[np.int32],
    xy: NDArray[np.float64],
    inverse_depth: NDArray[np.float64],
    material: NDArray[np.uint8],
    part: NDArray[np.uint8],
    uv: NDArray[np.float32],
    light: NDArray[np.float32],
    skin: NDArray[np.uint8],
    eye: NDArray[np.uint8],
    strand_shade: NDArray[np.uint8],
    linear: NDArray[np.float32],
    encode: NDArray[np.uint8],
    background: NDArray[np.float32],
    image: NDArray[np.uint8],
    parts: NDArray[np.uint8],
) -> None:
    """Shade every sample, average them and write sRGB ``image`` (S, S, 3) and ``parts`` (S, S).

    Args:
        ids: (S * samples, S * samples) from the rasteriser.
        samples: samples along one side of a pixel.
        material, part: (T,) of the triangles.
        uv: (V, 2); light: (V, 6) from :func:`light_vertices`.
        skin: (h, w, 4) sRGB colour and, as alpha, the part (see ``parts``) of the person's skin texture.
        eye: (h, w, 3) sRGB; strand_shade: (n, n) brightness of hair, 128 = as it is.
        linear: (256,) sRGB byte → linear; encode: (4096,) linear → sRGB byte.
        background: (S, S, 3) linear.
    """
    size = image.shape[0]
    th, tw = skin.shape[0], skin.shape[1]
    eh, ew = eye.shape[0], eye.shape[1]
    tile = strand_shade.shape[0]
    votes = np.zeros(16, np.int64)
    share = 1.0 / (samples * samples)
    for y in range(size):
        for x in range(size):
            r = g = b = 0.0
            votes[:] = 0
            for j in range(samples):
                for i in range(samples):
                    sx, sy = x * samples + i, y * samples + j
                    t = ids[sy, sx]
                    if t < 0:
                        r += background[y, x, 0]
                        g += background[y, x, 1]
                        b += background[y, x, 2]
                        votes[0] += 1
                        continue
                    p, q, o = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    px, py = sx + 0.5, sy + 0.5
                    ax, ay, bx, by, cx, cy = xy[p, 0], xy[p, 1], xy[q, 0], xy[q, 1], xy[o, 0], xy[o, 1]
                    scale = 1.0 / ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
                    wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * scale
                    wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * scale
                    wc = 1.0 - wa - wb
                    wa, wb, wc = wa * inverse_depth[p], wb * inverse_depth[q], wc * inverse_depth[o]
                    norm = 1.0 / (wa + wb + wc)
                    wa, wb, wc = wa * norm, wb * norm, wc * norm
                    dr = wa * light[p, 0] + wb * light[q, 0] + wc * light[o, 0]
                    dg = wa * light[p, 1] + wb * light[q, 1] + wc * light[o, 1]
                    db = wa * light[p, 2] + wb * light[q, 2] + wc * light[o, 2]
                    kind = material[t]
                    which = part[t]
                    glow = 1.0
                    if kind != 3:
                        u0, u1, u2 = uv[p, 0], uv[q, 0], uv[o, 0]
                        if kind == 0:
                            # The seam runs down the back of the head.
                            top = max(u0, u1, u2)
                            if top - min(u0, u1, u2) > 0.5:
                                u0 += 1.0 if top - u0 > 0.5 else 0.0
                                u1 += 1.0 if top - u1 > 0.5 else 0.0
                                u2 += 1.0 if top - u2 > 0.5 else 0.0
                        u = wa * u0 + wb * u1 + wc * u2
                        v = wa * uv[p, 1] + wb * uv[q, 1] + wc * uv[o, 1]
                        if kind == 0:
                            iu = int(u * tw) % tw
                            iv = min(max(int(v * th), 0), th - 1)
                            dr *= linear[skin[iv, iu, 0]]
                            dg *= linear[skin[iv, iu, 1]]
                            db *= linear[skin[iv, iu, 2]]
                            code = skin[iv, iu, 3]
                            which = code & 15
                            glow = (code >> 4) * 0.125
                        elif kind == 2:
                            iu = min(max(int(u * ew), 0), ew - 1)
                            iv = min(max(int(v * eh), 0), eh - 1)
                            dr *= linear[eye[iv, iu, 0]]
                            dg *= linear[eye[iv, iu, 1]]
                            db *= linear[eye[iv, iu, 2]]
                        else:
                            iu = int(u * tile + 4096.0) & (tile - 1)
                            iv = int(v * tile + 4096.0) & (tile - 1)
                            shade = strand_shade[iv, iu] * (1.0 / 128.0)
                            dr, dg, db = dr * shade, dg * shade, db * shade
                            glow = shade
                    r += min(dr + glow * (wa * light[p, 3] + wb * light[q, 3] + wc * light[o, 3]), 1.0)
                    g += min(dg + glow * (wa * light[p, 4] + wb * light[q, 4] + wc * light[o, 4]), 1.0)
                    b += min(db + glow * (wa * light[p, 5] + wb * light[q, 5] + wc * light[o, 5]), 1.0)
                    votes[which] += 1
            image[y, x, 0] = encode[min(int(r * share * 4095.0 + 0.5), 4095)]
            image[y, x, 1] = encode[min(int(g * share * 4095.0 + 0.5), 4095)]
            image[y, x, 2] = encode[min(int(b * share * 4095.0 + 0.5), 4095)]
            best = 0
            for k in range(1, 16):
                if votes[k] > votes[best]:
                    best = k
            parts[y, x] = best
