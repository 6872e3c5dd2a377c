"""Python 3.11 before 3.11.8 counts the depth of all trees that `ast.parse` makes in one place: in two threads at once it can fail with
"AST constructor recursion depth mismatch" (https://github.com/python/cpython/issues/106905). Here it has one caller at a time."""

import ast
import threading

lock = threading.RLock()
parse = ast.parse


def parse_in_turn(*args, **kwargs):
    with lock:
        return parse(*args, **kwargs)


ast.parse = parse_in_turn
