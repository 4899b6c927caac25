"""Programs of the tensor language that hypothesis makes up, each to be run behind the same beginning."""

from hypothesis import strategies as st

LINES = 10  # of each program, beside those that it begins with

BEGINNING = """
a = arange(12).reshape(3, 4)
b = linspace(-2, 2, 12).reshape(3, 4)
c = torch.tensor([[1., 2.], [3., 4.], [-1., .5], [0., 2.]])
v = tensor([3, 1, 2, 0])
w = tensor([.5, -1., 2., 4.], requires_grad=True)
i = tensor([2, 0, 1])
k = b > 0
n = 2
"""

number = st.sampled_from(["0", "1", "2", "-1", "3", "4", "0.5", "-2.0", "n", "1e3", "True"])
size = st.sampled_from(["1", "2", "3", "4", "6", "12", "-1", "0"])
length = st.sampled_from(["1", "3", "4", "4"])
axis = st.sampled_from(["0", "0", "1", "-1", "2"])
dtype = st.sampled_from(["float32", "float64", "int64", "int32", "uint8", "bool", "torch.float", "bfloat16", "long"])
name = st.sampled_from(list("abcvwik"))
leaf = st.one_of(
    name,
    name,
    number,
    st.builds("zeros({}, {})".format, length, length),
    st.builds("ones({}, dtype={})".format, length, dtype),
    st.builds("arange({})".format, length),
    st.builds("rand({}, {})".format, length, length),
    st.builds("tensor([{}, {}, {}, 1])".format, number, number, number),
    st.builds("torch.full(({}, {}), {})".format, length, length, number),
    st.builds("eye({})".format, length),
)

index = st.recursive(
    st.one_of(
        st.sampled_from(["0", "1", "-1", "5", "None", "...", ":", "i", "k", "v", "[0, 2]", "::2", "1:", ":-1", "::-1"]),
        st.builds("{}:{}".format, size, size),
    ),
    lambda part: st.builds("{}, {}".format, part, part),
    max_leaves=2,
)

ELEMENTWISE = ("exp", "abs", "sigmoid", "relu", "tanh", "sqrt", "neg", "sign", "floor", "square", "log", "isnan", "sin")
REDUCING = ("sum", "mean", "std", "var", "prod", "amax", "argmin", "all", "any", "min", "max", "median", "logsumexp")
ALONG = ("softmax", "log_softmax", "cumsum", "sum", "mean", "argmax", "unsqueeze", "squeeze", "flip", "unbind", "norm")
LAYING = ("T", "mT", "shape", "ndim", "dtype", "requires_grad", "is_leaf")
MOVING = (
    "contiguous()",
    "flatten()",
    "clone()",
    "detach()",
    "t()",
    "squeeze()",
    "float()",
    "long()",
    "bool()",
    "ravel()",
)
FACTS = ("numel()", "stride()", "size()", "dim()", "is_contiguous()", "storage_offset()", "item()", "tolist()")
BINARY = ("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "<<", "and", "or")
TWO = ("matmul", "mm", "mul", "maximum", "outer", "dot", "add", "eq", "mse_loss", "F.l1_loss", "atan2", "pow", "bmm")


def grown(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions with ``part`` inside."""
    other = st.one_of(part, number, st.sampled_from("ab"))
    return st.one_of(
        st.builds("({} {} {})".format, part, st.sampled_from(BINARY), other),
        st.builds("({}{})".format, st.sampled_from(["-", "~", "+", "not "]), part),
        st.builds("{}({})".format, st.sampled_from(ELEMENTWISE), part),
        st.builds("torch.{}({})".format, st.sampled_from(REDUCING), part),
        st.builds("({}).{}(dim={})".format, part, st.sampled_from(REDUCING), axis),
        st.builds("({}).{}({})".format, part, st.sampled_from(ALONG), axis),
        st.builds("{}({}, dim={})".format, st.sampled_from(["softmax", "F.softmax", "sum", "argsort"]), part, axis),
        st.builds("({}).{}".format, part, st.sampled_from(LAYING + MOVING + FACTS)),
        st.builds("({})[{}]".format, part, index),
        st.builds("{}({}, {})".format, st.sampled_from(TWO), part, other),
        st.builds("({}).{}({}, {})".format, part, st.sampled_from(["reshape", "view", "expand", "repeat"]), size, size),
        st.builds("({}).{}({}, {})".format, part, st.sampled_from(["transpose", "permute", "flatten"]), axis, axis),
        st.builds("({}).to({})".format, part, dtype),
        st.builds("{}([{}, {}], dim={})".format, st.sampled_from(["stack", "cat"]), part, part, axis),
        st.builds("where({} > 0, {}, {})".format, part, part, other),
        st.builds("({}).{}({}, {})[0]".format, part, st.sampled_from(["split", "chunk", "topk"]), size, axis),
        st.builds("({}).clamp(min={}, max={})".format, part, number, number),
        st.builds("({}).masked_fill({} > 0, {})".format, part, other, number),
        st.builds("gather({}, {}, {})".format, part, axis, st.sampled_from(["i", "v", "a", "i[:, None]"])),
        st.builds("one_hot({}, {})".format, st.sampled_from(["i", "v", "a", "arange(4)"]), size),
        st.builds("einsum('ij,{}->i', {}, {})".format, st.sampled_from(["ij", "ji", "j", "jk"]), part, part),
        st.builds("{}_like({})".format, st.sampled_from(["zeros", "ones"]), part),
        st.builds("({}).sort(dim={}).values".format, part, axis),
    )


expression = st.recursive(leaf, grown, max_leaves=2)
line = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(["x", "y", "a"]), expression),
    st.builds("x = y = {}".format, expression),
    *[expression] * 4,
    st.builds("{} {}= {}".format, name, st.sampled_from(["+", "-", "*", "/", "//", "**"]), leaf),
    st.builds("{}[{}] = {}".format, name, index, leaf),
    st.builds("{}[{}] += {}".format, name, index, leaf),
    st.builds("{}.{}_({})".format, name, st.sampled_from(["add", "mul", "fill", "copy", "clamp_min"]), leaf),
    st.builds("p, q = ({}).max(dim={})".format, expression, axis),
    st.builds("p, q, r = {}".format, leaf),
    st.builds("({} * w).sum().backward()".format, expression),
    st.builds("with no_grad():\n    x = {}".format, expression),
)
program = st.lists(line, min_size=LINES, max_size=LINES, unique=True)
