"""The few changes that old code needs to run on a machine of today, each used by name in a worker."""

import ast
import sys

_KEPT = []


def cpu_cuda_shim():
    """Make ``.cuda()`` the identity, for code that calls it without asking whether there is a GPU."""
    import torch

    torch.Tensor.cuda = lambda self, *args, **kwargs: self
    torch.nn.Module.cuda = lambda self, *args, **kwargs: self


def set_align_corners(value):
    """Give ``grid_sample`` an ``align_corners`` where the caller gives none: torch up to 1.2 meant True."""
    import torch

    plain = torch.nn.functional.grid_sample

    def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
        chosen = value if align_corners is None else align_corners
        return plain(input, grid, mode=mode, padding_mode=padding_mode, align_corners=chosen)

    torch.nn.functional.grid_sample = grid_sample


def declare_torchvision_operators():
    """Let torchvision be imported beside a CPU build of torch that lacks its compiled operators.

    ``pip install torch torchvision`` brings such pairs: torchvision's library then fails to load, and its import
    ends at the first operator that it registers. What uses the operators themselves (nms) still fails. A package
    that is missing is left to the check of the packages.
    """
    try:
        import torch
        import torchvision
    except ImportError:
        return
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            return
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in (
            "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        ):
            library.define(schema)
        _KEPT.append(library)  # the declarations vanish with the object
        import torchvision  # noqa: F401


def safe_yaml():
    """Give ``yaml.load`` its loader where the caller gives none, as PyYAML before 6 did; the safe one."""
    import yaml

    plain = yaml.load
    yaml.load = lambda stream, Loader=None: plain(stream, Loader=yaml.SafeLoader)


def old_skimage():
    """Bring back ``skimage.draw.circle`` and ``disk`` with row, column and radius apart, and ``skimage.util.pad``."""
    import numpy
    import skimage.draw
    import skimage.util

    plain = skimage.draw.disk

    def disk(row, column, radius=None, shape=None):
        centre, radius = (row, column) if radius is None else ((row, column), radius)
        return plain(centre, radius, shape=shape)

    skimage.draw.disk = skimage.draw.circle = disk
    skimage.util.pad = numpy.pad


def old_gesv():
    """Bring back ``torch.gesv(B, A)``, gone since torch 1.2: the solution of A X = B, and the LU factors."""
    import torch

    torch.gesv = lambda right, left: (torch.linalg.solve(left, right), None)


def no_device_zero():
    """Let ``module.to(0)`` do nothing where there is no GPU, for scripts that name the first one unasked."""
    import torch

    if torch.cuda.is_available():
        return
    plain = torch.nn.Module.to
    torch.nn.Module.to = lambda self, *args, **kwargs: self if args == (0,) else plain(self, *args, **kwargs)


def only_weights():
    """Let ``torch.load`` read weights alone, whatever the checkout or torch.hub asks of it: pickle runs code.

    Files that hold more are refused by torch with a line that says so.
    """
    import torch

    plain = torch.load

    def load(*args, **kwargs):
        return plain(*args, **dict(kwargs, weights_only=True))

    torch.load = load


def take_functions(path, names, scope):
    """Return functions of a script that cannot be imported (it opens a camera, or needs a parsed command line).

    The functions are compiled from the user's own checkout, untouched, with ``scope`` as their globals.
    """
    with open(path, encoding="utf-8") as handle:
        tree = ast.parse(handle.read(), path)
    wanted = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    space = dict(scope)
    exec(compile(ast.Module(body=wanted, type_ignores=[]), path, "exec"), space)  # noqa: S102 - the method itself
    return [space[name] for name in names]
