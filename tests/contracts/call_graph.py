"""Which refusals and problems a function may end in, read from the code that it calls.

The code is not run. A name is followed to what it is bound to; an attribute to the method of its owner's class, as the
annotations and assignments say it; a method of a port to every adapter that has the port's methods. What is caught and
not raised again does not count; what belongs to a class that is not known is not followed.
"""

import ast
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

#: Before the names of classes in what is caught: the way is gone for these alone.
ONLY = "only:"
Scope = Mapping[str, str]


class Node(NamedTuple):
    """A function, method or value: its tree, and what its names stand for."""

    key: str
    tree: ast.AST
    module: str
    owner: str  # the key of its class
    around: str  # the key of the function in which it stands


class Edge(NamedTuple):
    """What a node leads to, and what is caught on the way."""

    target: str
    caught: frozenset[str]


class CallGraph:
    """The functions of some rooms of the tree. Keys are `module:qualified.name`, as Python names functions."""

    def __init__(self, rooms: Iterable[str]) -> None:
        self.nodes: dict[str, Node] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self._imports: dict[str, dict[str, str]] = {}
        self._scopes: dict[str, dict[str, str]] = {}
        for room in rooms:
            for path in sorted((ROOT / room).rglob("*.py")):
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                self._read(module, ast.parse(path.read_text("utf-8")))

    # --- what there is -----------------------------------------------------------------------------------------

    def _read(self, module: str, tree: ast.Module) -> None:
        imports = self._imports.setdefault(module, {})
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module=str(source), names=names, level=0):
                    imports |= {each.asname or each.name: f"{source}:{each.name}" for each in names}
                case ast.Import(names=names):
                    imports |= {each.asname or each.name: each.name for each in names}
                case ast.Lambda(lineno=line):
                    self.nodes[f"{module}:{line}"] = Node(f"{module}:{line}", node, module, "", "")
        self._define(module, tree.body, "", "", "")

    def _define(self, module: str, body: Iterable[ast.AST], prefix: str, owner: str, around: str) -> None:
        for node in body:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    key = f"{module}:{prefix}{name}"
                    self.nodes[key] = Node(key, node, module, owner, around)
                    inner = list(_own_definitions(node))
                    self._define(module, inner, f"{prefix}{name}.<locals>.", "", key)
                case ast.ClassDef(name=name):
                    key = f"{module}:{prefix}{name}"
                    self.classes[key] = node
                    self._define(module, node.body, f"{prefix}{name}.", key, around)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if not prefix:
                    self.nodes[f"{module}:{name}"] = Node(f"{module}:{name}", value, module, "", "")
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if not prefix:
                    self.nodes[f"{module}:{name}"] = Node(f"{module}:{name}", value, module, "", "")

    # --- what a name stands for ----------------------------------------------------------------------------------

    def resolved(self, module: str, name: str) -> str:
        """The key of a name of a module, wherever it was defined; a module by its own name; "" where it is neither."""
        while (key := f"{module}:{name}") not in self.nodes and key not in self.classes:
            found = self._imports.get(module, {}).get(name, "")
            if not found:  # a module of a package
                return f"{module}.{name}" if f"{module}.{name}" in self._imports else ""
            if ":" not in found:
                return found
            module, name = found.split(":")
        return key

    def _named(self, node: Node, name: str) -> str:
        around = node
        while True:
            local = f"{around.key}.<locals>.{name}"
            if local in self.nodes or local in self.classes:
                return local
            if not around.around:
                return self.resolved(node.module, name)
            around = self.nodes[around.around]

    def _class_of_annotation(self, module: str, annotation: ast.expr | None) -> str:
        match annotation:
            case ast.Name(id=name):
                found = self.resolved(module, name)
                return found if found in self.classes else ""
            case ast.Constant(value=str(text)):
                return self._class_of_annotation(module, ast.parse(text, mode="eval").body)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                found = self.resolved(self.resolved(module, name), attr)
                return found if found in self.classes else ""
            case ast.BinOp(left=left, right=right):
                return self._class_of_annotation(module, left) or self._class_of_annotation(module, right)
            case ast.Subscript(value=value):
                return self._class_of_annotation(module, value)
            case _:
                return ""

    def _types(self, key: str) -> Scope:
        """The classes of a function's names."""
        if key in self._scopes:
            return self._scopes[key]
        node = self.nodes[key]
        # Kept before it is filled: what it is filled from may ask for it.
        self._scopes[key] = found = dict(self._types(node.around)) if node.around else {}
        if not isinstance(node.tree, ast.FunctionDef | ast.AsyncFunctionDef):
            return found
        given = node.tree.args
        for each in (*given.posonlyargs, *given.args, *given.kwonlyargs):
            found[each.arg] = self._class_of_annotation(node.module, each.annotation)
            match each.annotation:
                case ast.Subscript(value=ast.Name(id="Callable"), slice=ast.Tuple(elts=[_, given_back])):
                    found[f"{each.arg}()"] = self._class_of_annotation(node.module, given_back)
                case _:
                    pass
        if node.owner and given.args:
            found[given.args[0].arg] = node.owner
        for each in ast.walk(node.tree):
            match each:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    found[name] = self._class_of(node, value, found) or found.get(name, "")
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                    for target, value in zip(names, values, strict=True):
                        if isinstance(target, ast.Name):
                            found[target.id] = self._class_of(node, value, found)
        return found

    def _class_of(self, node: Node, value: ast.expr, scope: Scope) -> str:
        """The class of what an expression gives."""
        match value:
            case ast.Await(value=inner):
                return self._class_of(node, inner, scope)
            case ast.Name(id=name):
                if name in scope:
                    return scope[name]
                found = self._named(node, name)
                if found in self.nodes:
                    return (
                        self._class_of(self.nodes[found], self.nodes[found].tree, {})
                        if isinstance(self.nodes[found].tree, ast.Call)
                        else ""
                    )
                return ""
            case ast.Attribute(value=owner, attr=attr):
                return self._class_of_attribute(self._class_of(node, owner, scope), attr)
            case ast.Call(func=ast.Name(id=name)) if f"{name}()" in scope:
                return scope[f"{name}()"]
            case ast.Call(func=called):
                for target in self._targets(node, called, scope):
                    if target in self.classes:
                        return target
                    tree = self.nodes[target].tree
                    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
                        return self._class_of_annotation(self.nodes[target].module, tree.returns)
                return ""
            case _:
                return ""

    @functools.cache  # noqa: B019 - lives as long as the graph
    def _class_of_attribute(self, owner: str, attr: str) -> str:
        for key in self._with_bases(owner):
            tree, module = self.classes[key], key.split(":")[0]
            for each in tree.body:
                match each:
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if name == attr:
                        return self._class_of_annotation(module, annotation)
                    case ast.FunctionDef(name=name, returns=returns) if name == attr:
                        return self._class_of_annotation(module, returns)
            if (init := f"{key}.__init__") in self.nodes:
                scope = self._types(init)
                for each in ast.walk(self.nodes[init].tree):
                    match each:
                        case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation) if name == attr:
                            return self._class_of_annotation(module, annotation)
                        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                            assigned = [*zip(targets, values, strict=True)]
                        case ast.Assign(targets=[target], value=value):
                            assigned = [(target, value)]
                        case _:
                            assigned = []
                    for target, value in assigned:
                        if isinstance(target, ast.Attribute) and target.attr == attr:
                            return self._class_of(self.nodes[init], value, scope)
        return ""

    def _with_bases(self, key: str) -> Iterator[str]:
        if key in self.classes:
            yield key
            for base in self.classes[key].bases:
                yield from self._with_bases(self._class_of_annotation(key.split(":")[0], base))

    @functools.cache  # noqa: B019 - lives as long as the graph
    def _method(self, owner: str, attr: str) -> tuple[str, ...]:
        """The methods of this name of a class, or of the adapters of a port."""
        found = next((f"{key}.{attr}" for key in self._with_bases(owner) if f"{key}.{attr}" in self.nodes), "")
        if not found:
            return ()
        if not self._is_port(owner):
            return (found,)
        asked = {each.name for each in self.classes[owner].body if isinstance(each, _FUNCTION)}
        adapters = (
            key for key in self.classes if not self._is_port(key) and all(self._has_method(key, each) for each in asked)
        )
        return tuple(m for key in adapters for m in self._method(key, attr) if m != found)

    def _is_port(self, key: str) -> bool:
        return any(ast.unparse(base).partition("[")[0] == "Protocol" for base in self.classes[key].bases)

    def _has_method(self, owner: str, attr: str) -> bool:
        return any(f"{key}.{attr}" in self.nodes for key in self._with_bases(owner))

    def _targets(self, node: Node, expression: ast.expr, scope: Scope) -> tuple[str, ...]:
        """The functions, values and classes that a name or attribute stands for."""
        match expression:
            case ast.Name(id=name):
                found = self._named(node, name)
                return (found,) if found in self.nodes or found in self.classes else ()
            case ast.Attribute(value=owner, attr=attr):
                if isinstance(owner, ast.Name) and owner.id not in scope:
                    module = self._named(node, owner.id)
                    if module in self.classes:
                        return self._method(module, attr)
                    if module in self._imports:
                        found = self.resolved(module, attr)
                        return (found,) if found in self.nodes or found in self.classes else ()
                if known := self._class_of(node, owner, scope):
                    return self._method(known, attr)
                return ()
            case _:
                return ()

    # --- where a node leads -----------------------------------------------------------------------------------

    @functools.cache  # noqa: B019 - lives as long as the graph
    def edges(self, key: str) -> tuple[Edge, ...]:
        """Everything that a function, a value or a class that is called leads to."""
        if key in self.classes:
            made = ("__init__", "__post_init__", "__call__")
            return tuple(Edge(m, frozenset()) for name in made for m in self._method(key, name))
        node, found = self.nodes[key], list[Edge]()
        scope = self._types(key)
        for each, caught in self.used(key):
            found += (Edge(target, caught) for target in self._targets(node, each, scope))
        return tuple(dict.fromkeys(found))

    def used(self, key: str) -> Iterator[tuple[ast.expr, frozenset[str]]]:
        """The names and attributes that a node uses, each with the names of the classes that are caught around it."""
        node, scope = self.nodes[key], self._types(key)
        tree: ast.AST = node.tree
        if isinstance(tree, _FUNCTION):
            # What stands in it is a node of its own, to which its name leads.
            tree = ast.Module([*tree.body, *(ast.Expr(each) for each in _defaults(tree))], [])
        yield from _loaded(tree, frozenset(), lambda handler: self._passed_on(node, scope, handler))

    def _passed_on(self, node: Node, scope: Scope, handler: ast.ExceptHandler) -> bool:
        """Whether a handler raises what it caught: here, later, or by a function that it hands it to."""
        raised = [each for part in handler.body for each in ast.walk(part) if isinstance(each, ast.Raise)]
        if any(each.exc is None for each in raised):
            return True
        handed = set[int]()
        for each in (each for part in handler.body for each in ast.walk(part)):
            match each:
                case ast.Attribute(value=ast.Name() as used):
                    handed.add(id(used))
                case ast.Call(func=called, args=args):
                    targets = [t for t in self._targets(node, called, scope) if t in self.nodes]
                    if not any(_raises_a_parameter(self.nodes[t].tree) for t in targets):
                        handed.update(id(arg) for arg in args)
        names = (each for part in handler.body for each in ast.walk(part) if isinstance(each, ast.Name))
        return any(each.id == handler.name and id(each) not in handed for each in names)


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _own_definitions(tree: ast.AST) -> Iterator[ast.AST]:
    """The functions and classes that stand in a function, but not in one that stands in it."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (*_FUNCTION, ast.ClassDef)):
            yield child
        else:
            yield from _own_definitions(child)


Passed = Callable[[ast.ExceptHandler], bool]


def _loaded(tree: ast.AST, caught: frozenset[str], passed: Passed) -> Iterator[tuple[ast.expr, frozenset[str]]]:
    """The names and attributes that are used in a tree, with what is caught around them; neither annotations nor
    classes that are only asked for."""
    within, parts = caught, list[ast.AST](ast.iter_child_nodes(tree))
    match tree:
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            inner = caught | {name for each in handlers if not passed(each) for name in _names(each.type)}
            for part in body:
                yield from _loaded(part, inner, passed)
            parts = [*(part for each in handlers for part in each.body), *orelse, *finalbody]
        case ast.If(test=test, body=body, orelse=orelse) if asked := _asked_for(test):
            # What follows is for some classes alone.
            yield from _loaded(test, caught, passed)
            for part in body:
                yield from _loaded(part, caught | {f"{ONLY}{'|'.join(asked)}"}, passed)
            parts = [*orelse]
        case ast.IfExp(test=test, body=chosen, orelse=other) if asked := _asked_for(test):
            yield from _loaded(test, caught, passed)
            yield from _loaded(chosen, caught | {f"{ONLY}{'|'.join(asked)}"}, passed)
            parts = [other]
        case ast.Match(subject=ast.Name(id="target"), cases=cases):
            parts = []
            for case in cases:
                match case.pattern:
                    case ast.MatchClass(cls=ast.Name(id=name), patterns=[], kwd_patterns=[]):
                        inner = caught | {ONLY + name}
                    case _:
                        inner = caught
                for part in case.body:
                    yield from _loaded(part, inner, passed)
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            for item in items:
                match item.context_expr:
                    case ast.Call(func=ast.Attribute(attr="suppress"), args=args):
                        within |= {name for arg in args for name in _names(arg)}
                    case other:
                        yield from _loaded(other, caught, passed)
            parts = [*body]
        case ast.Call(func=ast.Name(id="isinstance"), args=[first, _]):
            parts = [first]
        case ast.Call():
            yield tree, caught
        case ast.MatchClass(patterns=patterns, kwd_patterns=named):
            parts = [*patterns, *named]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts = [*_defaults(tree)]
        case ast.ClassDef():
            parts = []
        case ast.AnnAssign(value=value):
            parts = [] if value is None else [value]
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
            yield tree, caught
        case _:
            pass
    for part in parts:
        yield from _loaded(part, within, passed)


def _asked_for(test: ast.expr) -> list[str]:
    """The classes of which something must be for a condition to hold."""
    match test:
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, classes]):
            return sorted({each.id for each in ast.walk(classes) if isinstance(each, ast.Name)})
        case ast.BoolOp(op=ast.And(), values=values):
            return next((asked for value in values if (asked := _asked_for(value))), [])
        case _:
            return []


def _defaults(tree: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    return [each for each in (*tree.args.defaults, *tree.args.kw_defaults) if each is not None]


def _raises_a_parameter(tree: ast.AST) -> bool:
    if not isinstance(tree, _FUNCTION):
        return False
    given = {each.arg for each in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)}
    raised = (each.exc for each in ast.walk(tree) if isinstance(each, ast.Raise))
    return any(isinstance(each, ast.Name) and each.id in given for each in raised)


def _names(expression: ast.expr | None) -> Iterator[str]:
    match expression:
        case None:
            yield "Exception"
        case ast.Tuple(elts=elements):
            for each in elements:
                yield from _names(each)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
