# SPDX-License-Identifier: Apache-2.0
"""Tables and curves of the bench: printed, and written to a folder with the machine, the date and the versions beside them.

A chart is one SVG file of some panels side by side: no library, readable on a light and on a dark background.
"""
import datetime
import html
import math
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# One colour and one mark for each program, the same in every chart. The second colour is for dark backgrounds.
PROGRAMS = {"mtlsd": ("#0058a8", "#6cb6ff", "circle"), "haproxy": ("#b4500a", "#f0883e", "square"), "nginx": ("#1a7f37", "#57d364", "triangle"),
            "ghostunnel": ("#8250df", "#c297ff", "diamond"), "stunnel": ("#6e5a00", "#d4b106", "triangle"), "hitch": ("#9a2150", "#ff8fb0", "diamond"),
            "floor": ("#59636e", "#9198a1", "square")}
WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 400, 340, 66, 64, 310, 200


def ticks(low, high, log):
    """Where an axis is labelled, from at or below the lowest value to at or above the highest."""
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        grid = [step * 10.0 ** power for power in range(first - 1, last + 2) for step in ((1, 2, 5) if last - first <= 2 else (1,))]
        begin = max(i for i, t in enumerate(grid) if t <= low * 1.0000001)
        end = min(i for i, t in enumerate(grid) if t >= high * 0.9999999)
        return grid[begin:end + 1] if begin < end else grid[begin - 1:end + 2]
    top = high if high > 0 else 1
    step = 10 ** math.floor(math.log10(top / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if top / (step * m) <= 5)
    return [n * step for n in range(math.ceil(top / step - 1e-9) + 1)]


def short(value):
    """A number as an axis and a table show it."""
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value:g}" if value >= 1e4 or value == int(value) else f"{value:.3g}"


class Axis:
    """Maps values to places between two ends."""

    def __init__(self, values, log, begin, end):
        self.log = log
        self.ticks = ticks(min(values), max(values), log)
        self.low, self.high, self.begin, self.end = self.ticks[0], self.ticks[-1], begin, end

    def at(self, value):
        low, high, v = (math.log10(x) for x in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return self.begin + (v - low) / (high - low) * (self.end - self.begin)


def style_of(name):
    """(index of the colour, mark, is it dashed)"""
    base = re.split(r"[- ]", name)[0]
    known = list(PROGRAMS)
    return (known.index(base) if base in known else 0), PROGRAMS.get(base, (0, 0, "circle"))[2], name.endswith("-tcp")


def mark(shape, x, y):
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>'
    corners = {"square": ((-3.4, -3.4), (3.4, -3.4), (3.4, 3.4), (-3.4, 3.4)), "triangle": ((0, -4.4), (4.2, 3.4), (-4.2, 3.4)),
               "diamond": ((0, -4.8), (4.8, 0), (0, 4.8), (-4.8, 0))}[shape]
    return '<polygon points="' + " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners) + '"/>'


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{html.escape(words)}</text>'


def draw_panel(left, x_label, y_label, series, log_x, log_y):
    """One plot with its axes; series: {name: [(x, y), ...]}. What a log scale cannot show is left out."""
    points = {name: [(x, y) for x, y in row if (x > 0 or not log_x) and (y > 0 or not log_y)] for name, row in series.items()}
    every = [p for row in points.values() for p in row]
    if not every:
        return [text(left + LEFT + PLOT_W / 2, TOP + PLOT_H / 2, f"no figures: {y_label}")]
    across = Axis([x for x, _ in every], log_x, left + LEFT, left + LEFT + PLOT_W)
    up = Axis([y for _, y in every], log_y, TOP + PLOT_H, TOP)
    out = []
    for t in up.ticks:
        out += [f'<path class="grid" d="M{across.begin:.1f} {up.at(t):.1f}H{across.end:.1f}"/>', text(across.begin - 6, up.at(t) + 4, short(t), "end")]
    for t in across.ticks:
        out += [f'<path class="grid" d="M{across.at(t):.1f} {up.end:.1f}V{up.begin:.1f}"/>', text(across.at(t), up.begin + 16, short(t))]
    out += [f'<path class="axis" d="M{across.begin:.1f} {up.end:.1f}V{up.begin:.1f}H{across.end:.1f}"/>',
            text((across.begin + across.end) / 2, up.begin + 38, x_label),
            text(across.begin - 52, TOP - 10, y_label + (", log scale" if log_y else ""), "start", 'class="name"')]
    for name, row in points.items():
        colour, shape, dashed = style_of(name)
        way = "L".join(f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in row)
        out.append(f'<g class="c{colour}"><path class="line{" dashed" if dashed else ""}" d="M{way}"/>')
        out += [f"<g><title>{html.escape(name)}: {short(y)} at {short(x)}</title>{mark(shape, across.at(x), up.at(y))}</g>" for x, y in row]
        out.append("</g>")
    return out


def draw(title, x_label, panels, log_x=False):
    """An SVG document; panels: [(label of the y axis, is it a log scale, {name: [(x, y), ...]}), ...]."""
    width = max(2, len(panels)) * WIDTH
    colours = "".join(f".c{i} {{ stroke: {light}; fill: {light}; }} " for i, (light, _, _) in enumerate(PROGRAMS.values()))
    dark = "".join(f".c{i} {{ stroke: {shade}; fill: {shade}; }} " for i, (_, shade, _) in enumerate(PROGRAMS.values()))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" role="img">',
           f"<title>{html.escape(title)}</title>",
           "<style>text { font: 12px sans-serif; fill: #1f2328; stroke: none; } .title { font-size: 15px; font-weight: bold; } .name { font-weight: bold; } "
           ".paper { fill: #ffffff; } .grid { stroke: #d8dee4; fill: none; } .axis { stroke: #59636e; fill: none; } "
           f".line {{ fill: none; stroke-width: 2; }} .dashed {{ stroke-dasharray: 6 4; }} {colours}"
           "@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .paper { fill: #0d1117; } .grid { stroke: #30363d; } .axis { stroke: #9198a1; } "
           f"{dark}}}</style>",
           f'<rect class="paper" width="{width}" height="{HEIGHT}"/>', text(14, 22, title, "start", 'class="title"')]
    at = 14.0
    for name in dict.fromkeys(n for _, _, series in panels for n in series):
        colour, shape, dashed = style_of(name)
        out += [f'<g class="c{colour}"><path class="line{" dashed" if dashed else ""}" d="M{at:.1f} {HEIGHT - 12}h26"/>{mark(shape, at + 13, HEIGHT - 12)}</g>',
                text(at + 32, HEIGHT - 8, name, "start")]
        at += 52 + 7 * len(name)
    for i, (y_label, log_y, series) in enumerate(panels):
        out += draw_panel(i * WIDTH, x_label, y_label, series, log_x, log_y)
    return "\n".join([*out, "</svg>\n"])


def first_line(*argv):
    """What a program says about its version."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    except OSError:
        return ""
    return re.sub(r" - https?:\S+| \d{4}/\d\d/\d\d", "", done.stdout.splitlines()[0].strip() if done.stdout.strip() else "")


def machine():
    """The kind of machine in one line."""
    names = re.findall(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    system = re.search(r'^PRETTY_NAME="?([^"\n]*)', pathlib.Path("/etc/os-release").read_text(), re.M)
    return (f"{re.sub(r' +', ' ', names[0]) if names else platform.machine()}, {os.cpu_count()} processors, {memory / (1 << 20):.0f} GiB, "
            f"{system[1] if system else 'Linux'}, Linux {platform.release().partition('-')[0]}")


class Report:
    """The results of one run: NAME.md and NAME-*.svg in a folder, written anew after each table, so that a run that is ended leaves what it had."""

    def __init__(self, name, heading, options):
        self.name, self.folder, self.parts = name, pathlib.Path(options.results), []
        words = [word for key, value in sorted(vars(options).items()) if key not in ("mtlsd", "results") and value != "" for word in (f"--{key}", str(value))]
        versions = [first_line(options.mtlsd, "--version"), *(first_line(p, flag) for p, flag in (("haproxy", "-v"), ("nginx", "-v"), ("ghostunnel", "--version"),
                                                                                  ("nghttpx", "--version"))
                                                              if shutil.which(p))]
        self.top = (f"# {heading}\n\n{datetime.date.today().isoformat()}, `{pathlib.Path(sys.argv[0]).name} {' '.join(words)}`\n\n"
                    f"- machine: {machine()}\n" + "".join(f"- {v}\n" for v in versions if v))

    def table(self, heading, columns, rows, first=""):
        """Prints a table and keeps it; rows: {name: {column: number}}."""
        wide = max([16, *(len(name) + 2 for name in rows)])
        print(f"\n## {heading}\n{first:{wide}}" + "".join(f"{c:>14}" for c in columns))
        for name, row in rows.items():
            print(f"{name:{wide}}" + "".join(f"{row[c]:14.2f}" if c in row else f"{'-':>14}" for c in columns), flush=True)
        self.parts.append(f"## {heading}\n\n| {' | '.join([first, *columns])} |\n|{' --- |' + ' ---: |' * len(columns)}\n" + "".join(
            f"| {name} | {' | '.join(f'{row[c]:.2f}' if c in row else '-' for c in columns)} |\n" for name, row in rows.items()))
        self.save()

    def chart(self, stem, title, x_label, panels, log_x=False):
        self.folder.mkdir(parents=True, exist_ok=True)
        file = f"{self.name}-{stem}.svg"
        (self.folder / file).write_text(draw(title, x_label, panels, log_x))
        self.parts.append(f"![{title}]({file})\n")
        self.save()

    def save(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{self.name}.md").write_text("\n".join([self.top, *self.parts]))
