"""What was measured: tables in Markdown at once, and a page with bars at the end."""

import html
import os
import platform
import re
import sys
from collections import namedtuple
from pathlib import Path

Table = namedtuple("Table", "title unit first rows base more_is_better")

STYLE = Path(__file__).with_name("page.css")


class Report:
    def __init__(self, lock):
        self.lock = lock
        self.said = []
        self.tables = []

    def tell_machine(self):
        def read(path, pattern):
            found = re.search(pattern, Path(path).read_text())
            return found[1] if found else "?"

        processor = read("/proc/cpuinfo", r"model name.*: (.*)")
        congestion = read("/proc/sys/net/ipv4/tcp_congestion_control", "(.*)")
        system = f"{os.cpu_count()} cores, {processor}, Linux {platform.release()}, {congestion}"
        self.say(f"{system}, load average {os.getloadavg()[0]:.1f}")
        crates = "hyper|h2|reqwest|ureq|tokio|rustls|tungstenite|tonic"
        versions = re.findall(rf'name = "({crates})"\nversion = "(.*)"', self.lock.read_text())
        self.say(", ".join(" ".join(version) for version in versions))

    def say(self, line):
        self.said.append(line)
        print(line, flush=True)

    def progress(self, what):
        if sys.stderr.isatty():
            print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

    def table(self, title, unit, first, rows, base=None, more_is_better=False):
        """Adds a table: `rows` has the figures of a row by their columns, and `base` is the column that the
        others are divided by."""
        rows = {name: row for name, row in rows.items() if row}
        if not rows:
            return
        table = Table(title, unit, first, rows, base, more_is_better)
        self.tables.append(table)
        columns = list(dict.fromkeys(name for row in rows.values() for name in row))
        print(f"\n### {title}: {unit}{f' (ratio to {base})' if base else ''}\n")
        print(f"| {first} | {' | '.join(columns)} |")
        print(f"| --- |{' ---: |' * len(columns)}")
        for name, row in rows.items():
            cells = [cell(row, column, base) if column in row else "–" for column in columns]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)

    def write_page(self, file):
        contents = "".join(f'<li><a href="#t{n}">{text(table.title)}</a></li>' for n, table in enumerate(self.tables))
        sections = "".join(section(n, table) for n, table in enumerate(self.tables))
        said = "".join(f"<p>{text(line)}</p>" for line in self.said)
        Path(file).write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>h2-sync beside others</title><style>{STYLE.read_text()}</style>"
            f"<main><h1>h2-sync beside others</h1>{said}"
            f'<nav aria-label="Tables"><ol>{contents}</ol></nav>{sections}</main></html>\n'
        )


def section(number, table):
    """One table: a group of rows for each shape, and in it a bar for each peer."""
    better = "Longer bars are better." if table.more_is_better else "Shorter bars are better."
    ratio = f' Ratios are to <b class="base">{text(table.base)}</b>.' if table.base else ""
    groups = []
    for name, row in table.rows.items():
        longest = max(row.values())
        lines = []
        for column, figure in row.items():
            kind = "ours" if column.startswith("ours") else "base" if column == table.base else "peer"
            first = f'<th scope="rowgroup" rowspan="{len(row)}">{text(name)}</th>' if not lines else ""
            width = 100 * figure / longest if longest > 0 else 0
            lines.append(
                f'<tr class="{kind}">{first}<th scope="row">{text(column)}</th>'
                f'<td class="track" aria-hidden="true"><span style="width:{width:.1f}%"></span></td>'
                f"<td>{number_of(figure)}</td><td>{ratio_of(row, column, table.base)}</td></tr>"
            )
        groups.append(f"<tbody>{''.join(lines)}</tbody>")
    head = (
        f'<thead><tr><th scope="col">{text(table.first)}</th><th scope="col">peer</th>'
        f'<td aria-hidden="true"></td><th scope="col">{text(table.unit)}</th><th scope="col">ratio</th></tr></thead>'
    )
    return (
        f'<section id="t{number}" aria-labelledby="h{number}"><h2 id="h{number}">{text(table.title)}</h2>'
        f"<table><caption>{text(table.unit)}. {better}{ratio}</caption>{head}{''.join(groups)}</table></section>"
    )


def cell(row, column, base):
    ratio = ratio_of(row, column, base)
    return number_of(row[column]) + (f" ({ratio})" if ratio else "")


def number_of(figure):
    return f"{figure:,.{0 if abs(figure) >= 1000 else 2}f}"


def ratio_of(row, column, base):
    return f"{row[column] / row[base]:.2f}" if column != base and row.get(base) else ""


def text(words):
    return html.escape(words)
