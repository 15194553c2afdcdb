"""Testing: an ERP in memory, and the contract that every adapter to a real one must keep."""

from farandole_erp.testing.fake_sales_ledger import FakeSalesLedger
from farandole_erp.testing.sales_ledger_contract import SalesLedgerContract

__all__ = ["FakeSalesLedger", "SalesLedgerContract"]
