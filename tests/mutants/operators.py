"""Mutants of C source: what each operator changes, and where.

The source is read as tokens, not as a syntax tree: it is formatted by clang-format and uses few
forms, and so a mutant needs no compiler to be found. One that does not compile, or whose machine
code is that of the original, is dropped by who builds it."""

import re
from dataclasses import dataclass

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<mark><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])
""", re.VERBOSE | re.MULTILINE | re.DOTALL)

RELATIONS = {"<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",), "==": ("!=",), "!=": ("==",)}
STEPS = {"+": "-", "-": "+", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
KEYWORDS = {"if", "else", "while", "for", "do", "switch", "case", "default", "return", "break",
            "continue", "goto", "sizeof", "struct", "union", "enum", "static", "const", "typedef",
            "extern", "inline", "volatile"}
# Statements whose loss is no bug of the program: checks of the programmer's own promises, and the
# steps at which tests act (platform/hook.h), which are nothing in a program.
CHECKS = {"PLX_ASSERT", "_Static_assert", "plx__hook"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Mutant:
    """A span of the source with other text in its place."""

    path: str
    function: str
    operator: str
    start: int
    end: int
    text: str      # What comes there.
    original: str  # The line of the source, its white space folded: for people, and for the key.
    line: int
    function_line: int  # Where the function's body begins.
    nth: int       # Among those of the same function, operator, line text and replacement.

    @property
    def key(self):
        """Names the mutant for as long as its function and its line are the same."""
        number = f" #{self.nth}" if self.nth > 1 else ""
        change = " ".join(self.text.split()) or "nothing"
        return f"{self.function} | {self.operator}{number} | {self.original} | {change}"

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]


def tokens_of(source):
    """The tokens that count, in their order: no comments and no directives."""
    return [Token(match.lastgroup, match.group(), match.start(), match.end())
            for match in TOKEN.finditer(source)
            if match.lastgroup not in ("comment", "directive")]


def pairs_of(tokens):
    """For each bracket the index of its partner."""
    partner, open_ones = {}, []
    for index, token in enumerate(tokens):
        if token.text in "([{" and token.kind == "mark":
            open_ones.append(index)
        elif token.text in ")]}" and token.kind == "mark" and open_ones:
            other = open_ones.pop()
            partner[index], partner[other] = other, index
    return partner


def functions_of(tokens, partner):
    """(name, first, last) of each function body, as indices of its braces."""
    found, index = [], 0
    while index < len(tokens):
        if tokens[index].text == "{":
            before = tokens[index - 1] if index else None
            last = partner.get(index, len(tokens) - 1)
            if before is not None and before.text == ")" and partner.get(index - 1, 0) > 0:
                name = tokens[partner[index - 1] - 1]
                if name.kind == "name":
                    found.append((name.text, index, last))
            index = last
        index += 1
    return found


class _Finder:
    """Finds the mutants of one function."""

    def __init__(self, source, tokens, partner, first, last):
        self.source, self.tokens, self.partner = source, tokens, partner
        self.first, self.last = first, last
        self.found = []  # (operator, start, end, text)
        self.twins = set()  # (start, end) of those that another one equals.
        self.checked = self._checked()

    def _checked(self):
        """Indices of tokens within checks, which are left alone."""
        inside = set()
        for index in range(self.first, self.last):
            if self.tokens[index].text in CHECKS and index + 1 in self.partner:
                inside.update(range(index, self.partner[index + 1] + 1))
        return inside

    def add(self, operator, first, last, text):
        """Replaces the tokens first to last, both included."""
        self.found.append((operator, self.tokens[first].start, self.tokens[last].end, text))

    def text(self, first, last):
        return self.source[self.tokens[first].start:self.tokens[last].end]

    def run(self):
        for index in range(self.first + 1, self.last):
            if index in self.checked:
                continue
            self.token_mutate(index)
        self.statements_mutate()
        return self.found

    # --- within expressions ---

    def token_mutate(self, index):
        token = self.tokens[index]
        if token.kind == "mark":
            for text in RELATIONS.get(token.text, ()):
                self.add("relation", index, index, text)
            if token.text in STEPS and self.is_binary(index):
                self.add("off-by-one" if token.text in ("++", "--") else "sign", index, index,
                         STEPS[token.text])
            if token.text in ("&&", "||"):
                self.operand_mutate(index)
            if token.text == "|":
                self.flag_mutate(index)
        elif token.kind == "number" and self.tokens[index - 1].text not in ("case", "["):
            self.number_mutate(index)
        elif token.text in ("if", "while") and self.tokens[index + 1].text == "(":
            self.condition_mutate(index)
        elif token.text in ("true", "false"):
            self.add("value", index, index, "false" if token.text == "true" else "true")

    def is_binary(self, index):
        before = self.tokens[index - 1]
        if self.tokens[index].text in ("++", "--", "+=", "-="):
            return True
        return before.kind in ("name", "number") and before.text not in KEYWORDS or \
            before.text in ")]"

    def operand_end(self, index, step):
        """The farthest token of the operand that begins at `index` and goes in this direction."""
        ends = {"&&", "||", "?", ":", ";", ",", "=", "{", "}", "return"}
        while True:
            token = self.tokens[index]
            if token.text in "([" and step > 0 or token.text in ")]" and step < 0:
                index = self.partner[index]
            following = self.tokens[index + step]
            if following.text in ends or following.text in (")]" if step > 0 else "(["):
                return index
            index += step

    def operand_mutate(self, index):
        left = self.operand_end(index - 1, -1)
        right = self.operand_end(index + 1, 1)
        self.add("condition", left, index, "")
        if self.tokens[left - 1].text == self.tokens[index].text:
            # Of "a && b && c" the loss of b is found twice.
            self.twins.add((self.tokens[left].start, self.tokens[index].end))
        self.add("condition", index, right, "")
        other = "||" if self.tokens[index].text == "&&" else "&&"
        self.add("connective", index, index, other)

    def flag_mutate(self, index):
        """One of several flags less."""
        before, after = self.tokens[index - 1], self.tokens[index + 1]
        if after.kind == "name" and after.text.isupper():
            self.add("flag", index, index + 1, "")
        if before.kind == "name" and before.text.isupper():
            self.add("flag", index - 1, index, "")

    def number_mutate(self, index):
        text = self.tokens[index].text
        digits = text.rstrip("uUlL")
        value, suffix = int(digits, 0 if digits.startswith(("0x", "0X")) else 10), \
            text[len(digits):]
        self.add("off-by-one", index, index, f"{value + 1}{suffix}")
        if value > 1:
            self.add("off-by-one", index, index, f"{value - 1}{suffix}")

    def condition_mutate(self, index):
        close = self.partner[index + 1]
        inner = self.text(index + 2, close - 1)
        self.add("negation", index + 2, close - 1, f"!({inner})")
        if self.tokens[index].text == "if":
            self.add("never", index + 2, close - 1, f"0 && ({inner})")
            self.add("always", index + 2, close - 1, f"1 || ({inner})")

    # --- statements ---

    def statements(self):
        """(first, last) of each simple statement that ends with a semicolon."""
        index = self.first + 1
        start = index
        while index < self.last:
            token = self.tokens[index]
            if token.text in ("if", "while", "for", "switch") and self.tokens[index + 1].text == "(":
                index = self.partner[index + 1] + 1
                start = index
                continue
            if token.text in ("else", "do", "{", "}"):
                index += 1
                start = index
                continue
            if token.text == "(" or token.text == "[":
                index = self.partner[index]
            elif token.text == "{":
                index = self.partner[index]
            elif token.text == ";":
                if index > start:
                    yield start, index
                start = index + 1
            elif token.text == ":" and self.tokens[start].text in ("case", "default"):
                start = index + 1
            index += 1

    def is_declaration(self, first):
        words = []
        for token in self.tokens[first:first + 6]:
            words.append(token)
            if token.text in ("=", ";", "(", "->", ".", "["):
                break
        if words[0].text in ("static", "const", "struct", "union", "enum", "typedef", "volatile"):
            return True
        names = [token for token in words if token.kind == "name"]
        marks = [token.text for token in words if token.kind == "mark"]
        return len(names) >= 2 and set(marks[:-1]) <= {"*"}

    def statements_mutate(self):
        before = None
        for first, last in self.statements():
            head = self.tokens[first]
            if first in self.checked or head.text in ("case", "goto") or self.is_declaration(first):
                if head.text != "return":
                    before = None
                    continue
            if head.text == "return":
                self.return_mutate(first, last)
                before = None
                continue
            # "(void)name;" marks a parameter that is not used.
            is_mark = last == first + 4 and self.tokens[first + 1].text == "void"
            if not is_mark:
                self.add("statement", first, last, ";")
            self.order_mutate(before, (first, last))
            before = (first, last) if head.kind == "name" else None

    def return_mutate(self, first, last):
        inner = self.text(first + 1, last - 1) if last > first + 1 else ""
        if inner in ("status", "result"):
            self.add("error-path", first, last, "return 0;")
        elif inner == "0":
            self.add("error-path", first, last, "return -1;")

    def order_mutate(self, before, now):
        """Two neighbours the other way round, where one of them is seen by other threads."""
        if before is None or before[1] + 1 != now[0]:
            return
        left, right = self.text(*before), self.text(*now)
        if "atomic" not in left and "atomic" not in right:
            return
        self.found.append(("order", self.tokens[before[0]].start, self.tokens[now[1]].end,
                           f"{right} {left}"))


def mutants_of(path, source):
    """All mutants of one file, in the order of the source."""
    tokens = tokens_of(source)
    partner = pairs_of(tokens)
    lines, seen = source.splitlines(), {}
    mutants = []
    for function, first, last in functions_of(tokens, partner):
        finder = _Finder(source, tokens, partner, first, last)
        head = source.count("\n", 0, tokens[partner[first - 1]].start) + 1
        for operator, start, end, text in sorted(finder.run(), key=lambda found: found[1:]):
            line = source.count("\n", 0, start) + 1
            original = " ".join(lines[line - 1].split())
            same = (function, operator, original, text)
            seen[same] = seen.get(same, 0) + 1
            if operator == "condition" and (start, end) in finder.twins:
                continue
            mutants.append(Mutant(path, function, operator, start, end, text, original, line,
                                  head, seen[same]))
    return mutants


def lines_of_others(source, is_windows):
    """The numbers of the lines that this system's compiler does not see."""
    lines, regions = set(), []
    for number, line in enumerate(source.splitlines(), 1):
        words = re.match(r"[ \t]*#[ \t]*(\w+)[ \t]*(\w*)", line)
        directive, name = words.groups() if words else ("", "")
        if directive in ("if", "ifdef", "ifndef"):
            regions.append(directive if name == "_WIN32" else "")
        elif directive == "else" and regions[-1]:
            regions[-1] = "ifdef" if regions[-1] == "ifndef" else "ifndef"
        elif directive == "endif":
            regions.pop()
        if ("ifndef" if is_windows else "ifdef") in regions:
            lines.add(number)
    return lines
