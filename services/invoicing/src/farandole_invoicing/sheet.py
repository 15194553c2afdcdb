"""Sheet: the page layout of a paper: who to whom, facts, lines, totals, stamp, page numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Final

from farandole_events.types import Address, BillTo
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, VAlign, XPos, YPos
from fpdf.fonts import FontFace

from farandole_invoicing.money import full, percent, plain
from farandole_invoicing.paper import Seller
from farandole_invoicing.text import address_lines, clean

Colour = tuple[int, int, int]

FONT: Final = "SourceSansPro"
FONTS: Final = Path(str(files("font_source_sans_pro"))) / "files"
INK: Final[Colour] = (33, 37, 41)
FAINT: Final[Colour] = (108, 117, 125)
ACCENT: Final[Colour] = (14, 94, 111)
RULE: Final[Colour] = (206, 212, 218)
SHADE: Final[Colour] = (244, 246, 248)
MARGIN: Final = 20.0
WIDTH: Final = 170.0
LINE: Final = 5.2
WIDTHS: Final = (78, 18, 26, 18, 30)


class Tone(Enum):
    """What a stamp's colours say: its border and its ground."""

    GOOD = ((25, 111, 61), (234, 246, 239))
    OPEN = ((156, 87, 0), (255, 246, 230))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A name and a value, in the block beside the address."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What the reader has to know or to do."""

    title: str
    text: str
    tone: Tone


class Sheet(FPDF):
    """One paper. Make one for each print; `fill` returns its bytes."""

    def __init__(self, *, title: str, number: str, seller: Seller, created: datetime) -> None:
        super().__init__(format="A4")
        self._title = title
        self._number = number
        self._seller = seller
        self.set_creation_date(created)
        self.set_title(f"{title} {number}")
        self.set_author(clean(seller.name))
        self.set_lang("en")
        self.set_margins(MARGIN, 18, MARGIN)
        self.set_auto_page_break(auto=True, margin=24)
        self.add_font(FONT, "", FONTS / "SourceSansPro-Regular.ttf")
        self.add_font(FONT, "B", FONTS / "SourceSansPro-Bold.ttf")
        self.add_page()

    def fill(
        self, bill: BillTo, *, address_title: str, facts: tuple[Fact, ...], total_title: str, stamp: Stamp
    ) -> bytes:
        """Lay everything out, and return the PDF."""
        self._head(bill.address, address_title, facts)
        self._lines(bill)
        self._totals(bill, total_title)
        self._stamp(stamp)
        return bytes(self.output())

    def header(self) -> None:
        """Print the seller and the title on the first page, a running title on the others."""
        if self.page_no() > 1:
            self._pen(9, colour=FAINT)
            self.cell(w=WIDTH, text=f"{self._title} {self._number}", align="R")
            self.ln(9)
            return
        top = self.get_y()
        self._pen(15, bold=True, colour=ACCENT)
        self._line(clean(self._seller.name), height=7, width=100)
        self._pen(9, colour=FAINT)
        for each in (*self._seller.address, *_tax(self._seller)):
            self._line(clean(each), height=4.4, width=100)
        below = self.get_y()
        self.set_xy(MARGIN + 100, top)
        self._pen(24, colour=INK)
        self.cell(w=WIDTH - 100, h=9, text=self._title, align="R")
        self.set_y(max(below, top + 10) + 4)
        self.set_draw_color(*ACCENT)
        self.set_line_width(0.6)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())
        self.set_y(self.get_y() + 8)

    def footer(self) -> None:
        """Print the page's number."""
        self.set_y(-16)
        self._pen(8.5, colour=FAINT)
        self.cell(w=WIDTH, text=f"Page {self.page_no()} of {{nb}}", align="C")

    def _head(self, address: Address, address_title: str, facts: tuple[Fact, ...]) -> None:
        top = self.get_y()
        self._pen(8.5, bold=True, colour=FAINT)
        self._line(address_title.upper(), height=5, width=80)
        for n, each in enumerate(address_lines(address)):
            self._pen(11, bold=n == 0)
            self._line(each, height=LINE, width=80)
        below = self.get_y()
        self.set_y(top)
        for fact in facts:
            self.set_x(MARGIN + 84)
            self._pen(9, colour=FAINT)
            self.cell(w=24, h=LINE, text=fact.name)
            self._pen(9)
            self.multi_cell(
                w=WIDTH - 108, h=LINE, text=clean(fact.value), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT
            )
        self.set_y(max(below, self.get_y()) + 9)

    def _lines(self, bill: BillTo) -> None:
        self._pen(10)
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        head = FontFace(emphasis="BOLD", color=ACCENT, fill_color=SHADE)
        with self.table(
            col_widths=WIDTHS,
            v_align=VAlign.T,
            text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=head,
            line_height=LINE,
            padding=(1.3, 1.5),
        ) as table:
            table.row(("Description", "Quantity", f"Price {bill.currency}", "Discount", f"Amount {bill.currency}"))
            for line in bill.lines:
                table.row(
                    (
                        clean(line.product_name) or clean(line.product_id),
                        f"{line.quantity:,}",
                        plain(line.unit_price_cents, bill.currency),
                        percent(line.discount_basis_points),
                        plain(line.total_cents, bill.currency),
                    )
                )
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())

    def _totals(self, bill: BillTo, total_title: str) -> None:
        if self.will_page_break(34):
            self.add_page()
        self.set_y(self.get_y() + 3)
        goods = sum(line.total_cents for line in bill.lines)
        for name, cents in (("Goods", goods), ("Freight", bill.freight_cents)):
            self._pen(10, colour=FAINT)
            self._sum(name, plain(cents, bill.currency), height=6)
        self.set_draw_color(*ACCENT)
        self.set_line_width(0.4)
        self.line(MARGIN + 95, self.get_y() + 1, MARGIN + WIDTH, self.get_y() + 1)
        self.set_y(self.get_y() + 2)
        self._pen(13, bold=True)
        self._sum(total_title, full(bill.total_cents, bill.currency), height=8)

    def _sum(self, name: str, amount: str, *, height: float) -> None:
        self.set_x(MARGIN + 95)
        self.cell(w=37, h=height, text=name)
        self.set_text_color(*INK)
        self.cell(w=38, h=height, text=amount, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _stamp(self, stamp: Stamp) -> None:
        border, ground = stamp.tone.value
        text = clean(stamp.text)
        self._pen(10)
        lines = self.multi_cell(w=WIDTH - 12, h=LINE, text=text, dry_run=True, output="LINES")
        assert isinstance(lines, list), "LINES was asked for"
        height = 12 + LINE * len(lines)
        if self.will_page_break(height + 8):
            self.add_page()
        top = self.get_y() + 8
        self.set_draw_color(*border)
        self.set_fill_color(*ground)
        self.set_line_width(0.3)
        self.rect(MARGIN, top, WIDTH, height, style="DF", round_corners=True, corner_radius=2)
        self.set_xy(MARGIN + 6, top + 3)
        self._pen(11, bold=True, colour=border)
        self.cell(w=WIDTH - 12, h=6, text=stamp.title.upper())
        self.set_xy(MARGIN + 6, top + 9)
        self._pen(10)
        self.multi_cell(w=WIDTH - 12, h=LINE, text=text, align="L")

    def _line(self, text: str, *, height: float, width: float) -> None:
        self.multi_cell(w=width, h=height, text=text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _pen(self, size: float, *, bold: bool = False, colour: Colour = INK) -> None:
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(*colour)


def _tax(seller: Seller) -> tuple[str, ...]:
    return (f"Tax no. {seller.tax_id}",) if seller.tax_id else ()
