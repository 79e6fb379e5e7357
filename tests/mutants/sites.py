"""Where a module can be made wrong by one small change, and the module with that change."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

SWAPPED: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
"""What stands in the place of an operator or of a comparison."""

EDGES: Final[dict[type[ast.AST], type[ast.AST]]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
"""Comparisons that differ at equality alone."""

IMMATERIAL: Final = frozenset({"strict", "copy", "dtype", "order", "kw_only", "slots", "frozen", "eq", "maxsize"})
"""Keyword arguments that check or store, and compute nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutation:
    """One change: the lines of the statement that it is in, and the expression before and after."""

    first_line: int
    last_line: int
    before: str
    after: str


def mutations(source: str) -> list[Mutation]:
    """All changes that a module has room for, in the order of its text."""
    mutator = _Mutator(None)
    mutator.visit(ast.parse(source))
    return mutator.found


def mutated(source: str, number: int) -> ast.Module:
    """The module with one of its `mutations`."""
    tree = _Mutator(number).visit(ast.parse(source))
    assert isinstance(tree, ast.Module)
    return ast.fix_missing_locations(tree)


class _Mutator(ast.NodeTransformer):
    """Meets every place in the order of the text, notes what may stand there, and changes the chosen one."""

    def __init__(self, chosen: int | None) -> None:
        self._chosen = chosen
        self._statement: tuple[int, int] = (0, 0)
        self.found: list[Mutation] = []

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.stmt):
            self._statement = _own_lines(node)
        return super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Its defaults and its body: decorators and annotations compute nothing."""
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg in IMMATERIAL else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        swapped = SWAPPED.get(type(node.op))
        return self._offer(node, *([ast.BinOp(node.left, swapped(), node.right)] if swapped else []))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        node.value = self.visit(node.value)
        swapped = SWAPPED.get(type(node.op))
        return self._offer(node, *([ast.AugAssign(node.target, swapped(), node.value)] if swapped else []))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return self._offer(node, ast.BoolOp(SWAPPED[type(node.op)](), node.values))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        tables = (SWAPPED, EDGES)
        others = [
            ast.Compare(node.left, [*node.ops[:place], table[type(op)](), *node.ops[place + 1 :]], node.comparators)
            for place, op in enumerate(node.ops)
            for table in tables
            if type(op) in table
        ]
        return self._offer(node, *others)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return self._offer(node, node.operand)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if isinstance(value, bool):
            return self._offer(node, ast.Constant(not value))
        if isinstance(value, int):
            return self._offer(node, ast.Constant(value + 1))
        if isinstance(value, float):
            return self._offer(node, ast.Constant(2 * value if value else 1.0))
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = self._condition(node.test)
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        node.test = self._offer(self.visit(node.test), ast.Constant(value=False))
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node.test = self._condition(node.test)
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def _condition(self, test: ast.expr) -> Any:
        return self._offer(self.visit(test), ast.Constant(value=True), ast.Constant(value=False))

    def _offer(self, node: Any, *others: ast.AST) -> Any:
        result = node
        for other in others:
            if len(self.found) == self._chosen:
                result = ast.copy_location(other, node)
            first, last = self._statement
            before, after = (_text(part) for part in (node, other))
            self.found.append(Mutation(first_line=first, last_line=last, before=before, after=after))
        return result


def _own_lines(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement without those of the statements in it."""
    inner = [child.lineno for child in _inner(node)]
    last = node.end_lineno or node.lineno
    return node.lineno, max(node.lineno, min([last, *(line - 1 for line in inner)]))


def _inner(node: ast.stmt) -> Iterator[ast.stmt]:
    yield from (child for child in ast.walk(node) if isinstance(child, ast.stmt) and child is not node)


def _text(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node))
