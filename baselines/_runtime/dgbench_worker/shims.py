"""The few changes that old code needs to run on a machine of today, each used by name in a worker."""

import ast


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


def only_weights():
    """Let ``torch.load`` inside the checkout read weights alone, where its caller does not say."""
    import functools

    import torch

    torch.load = functools.partial(torch.load, weights_only=True)


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
