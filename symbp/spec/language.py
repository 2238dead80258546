"""The parser of the language: grammar.lark and the actions of build.py, put together by Lark."""

from __future__ import annotations

from functools import cache

from lark import Lark

from symbp.spec.build import Actions


@cache
def language() -> Lark:
    """The LALR(1) parser and its lexer.

    The actions run at reductions, so that no tree is built and nothing recurses.
    """
    return Lark.open("grammar.lark", rel_to=__file__, parser="lalr", lexer="basic", transformer=Actions())
