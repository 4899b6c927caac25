"""What the playground offers to begin with: a few lines each, and what is to be seen in them."""

from dataclasses import dataclass

from core.i18n import _


@dataclass(frozen=True)
class Lesson:
    """One lesson: ``name`` stands in the address, ``says`` what ``source`` shows."""

    name: str
    title: str
    says: str
    source: str


def lessons() -> tuple[Lesson, ...]:
    """Return all lessons; the first is what the page opens with."""
    return (
        Lesson(
            "strides",
            _("One storage, many tensors"),
            _(
                "Three tensors, one row of twelve cells: .T only swaps the strides, a slice only starts and steps "
                "elsewhere. contiguous() has to copy, so c has cells of its own."
            ),
            "x = arange(12).reshape(3, 4)\nt = x.T\ns = x[1:, ::2]\nc = t.contiguous()\n",
        ),
        Lesson(
            "copies",
            _("List or array to tensor"),
            _(
                "tensor(...) copies, whatever it is given; from_numpy shares the array's memory. The 100 that is "
                "written into the array n arrives in s and not in c."
            ),
            "numbers = [1., 2., 3.]\na = tensor(numbers)\nn = np.array(numbers)\nc = tensor(n)\n"
            "s = from_numpy(n)\nn[0] = 100\n",
        ),
        Lesson(
            "indexing",
            _("Slice or index: view or copy"),
            _(
                "A slice is a view: its steps can be a stride. A list of places or a mask picks any cells, no stride "
                "could, so it copies. The 100 that is written into s arrives in x alone."
            ),
            "x = arange(10)\ns = x[2:8:2]\ni = x[[2, 4, 6]]\nm = x[x % 4 == 2]\ns[0] = 100\n",
        ),
        Lesson(
            "view",
            _("view against reshape"),
            _(
                "“view is a shallow copy, reshape a deep copy”? Not so: r reads the storage of x just as v does. "
                "reshape returns a view whenever it can and copies only when it must, as for c. There, view refuses."
            ),
            "x = arange(6).reshape(2, 3)\nv = x.view(3, 2)\nr = x.reshape(3, 2)\nc = x.T.reshape(6)\nw = x.T.view(6)\n",
        ),
        Lesson(
            "squeeze",
            _("squeeze and unsqueeze"),
            _(
                "An axis of size 1 costs nothing: unsqueeze and None add one, squeeze takes all of them away, and "
                "every one of these tensors reads the same three cells."
            ),
            "x = arange(3)\nr = x.unsqueeze(0)\nc = x[:, None]\nq = c[None].squeeze()\nd = c.squeeze(0)\n",
        ),
        Lesson(
            "products",
            _("mm, matmul and *"),
            _(
                "* multiplies element by element. mm multiplies two matrices and nothing else. matmul, or @, also "
                "takes vectors and whole batches, so q is two products at once, and mm refuses the batch."
            ),
            "a = arange(6).reshape(2, 3)\nb = a.T\np = a * a\nm = mm(a, b)\nv = a @ tensor([1, 0, 1])\n"
            "batch = stack([a, a + 1])\nq = batch @ b\nmm(batch, b)\n",
        ),
        Lesson(
            "broadcasting",
            _("Broadcasting"),
            _(
                "Shapes are aligned from the right; an axis of size 1, or one that is missing, is stretched: its cells "
                "are read again and again, with stride 0 and without a copy, as e shows."
            ),
            "x = arange(3)[:, None] * 10\ny = arange(4)\ne = x.expand(3, 4)\nz = x + y\n",
        ),
        Lesson(
            "mismatch",
            _("Broadcasting that fails"),
            _(
                "From the right, 4 meets 3, and neither is 1. One number a row is meant: write v[:, None], of shape "
                "(3, 1)."
            ),
            "x = arange(12.).reshape(3, 4)\nv = tensor([100., 200., 300.])\nx + v\n",
        ),
        Lesson(
            "softmax",
            _("Softmax and one-hot"),
            _(
                "Softmax turns logits z into probabilities. A temperature below 1 sharpens them towards the one-hot "
                "vector, above 1 flattens them. Set the cursor on a number: Alt with an arrow key changes it."
            ),
            "t = 2.0\nz = tensor([2., 1., 0., -1.])\np = softmax(z, dim=0)\nq = softmax(z / t, dim=0)\n"
            "cold = softmax(z / 0.1, dim=0)\nh = one_hot(z.argmax(), 4)\n",
        ),
        Lesson(
            "dtypes",
            _("Which dtype comes out"),
            _(
                "bool gives way to whole numbers, those to floating point. A Python number only raises the kind, never "
                "the precision: i + 0.5 is float32. / always gives floating point. In place, nothing may change."
            ),
            "i = tensor([1, 2, 3])\nb = i > 1\ns = b + i\nf = i + 0.5\nd = f + f.double()\n"
            "q = i / 2\nw = i // 2\ni += 0.5\n",
        ),
        Lesson(
            "numpy",
            _("numpy both ways"),
            _(
                "numpy() and from_numpy share memory, whichever way: what is written into t or n is seen in both. A "
                "tensor that waits for a gradient has to leave the graph first."
            ),
            "t = zeros(2, 3)\nn = t.numpy()\nb = from_numpy(n)\nn[0, 0] = 1\nt[1, 2] = 2\n"
            "w = ones(2, requires_grad=True)\nw.numpy()\n",
        ),
        Lesson(
            "stride0",
            _("One cell, read many times"),
            _(
                "expand makes any size out of one cell, without memory: its stride is 0. Read as often as you like; "
                "written to at once, it would not be clear which value stays, so torch refuses."
            ),
            "x = tensor([[1.], [2.]])\ne = x.expand(2, 5)\ne[0, 3] = 7\nr = x.repeat(1, 5)\ne += 1\n",
        ),
    )
