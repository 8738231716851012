"""The tables of this room as replay compares them: by handles, codes, chip names and digests, never by row numbers."""

from __future__ import annotations

from typing import Final

from ledger.book import keep
from tracking.models import (
    Account,
    Correction,
    Difference,
    Holding,
    Movement,
    MovementLine,
    StockCount,
    StockDifference,
    Transfer,
)

_ACCOUNT: Final = """(SELECT account.id, account.kind, answerable.handle, site.code
    FROM tracking_account account JOIN ledger_signer answerable ON answerable.id = account.organisation_id
    JOIN registry_site site ON site.id = account.site_id)"""
_CHIP: Final = """(SELECT chip.id, maker.handle || '/' || chip.serial AS name, model.code AS model
    FROM registry_chip chip JOIN ledger_signer maker ON maker.id = chip.maker_id
    JOIN registry_chipmodel model ON model.id = chip.model_id)"""

keep(Account, f"SELECT kind, handle, code FROM {_ACCOUNT} named")
keep(
    Transfer,
    """SELECT digest, tracking_transfer.statement_id, sender.handle AS sender, consignee.handle AS consignee,
              source.code AS from_site, target.code AS to_site, carrier.handle AS carrier, waybill, quantity,
              outstanding, state, dispatched_at, estimated_arrival, due_at, recorded_at, received_at, closed_at
       FROM tracking_transfer JOIN ledger_signer sender ON sender.id = sender_id
       JOIN ledger_signer consignee ON consignee.id = consignee_id
       JOIN registry_site source ON source.id = from_site_id
       JOIN registry_site target ON target.id = to_site_id
       LEFT JOIN ledger_signer carrier ON carrier.id = carrier_id""",
)
keep(
    Movement,
    f"""SELECT movement.kind, movement.statement_id, transfer.digest, source.kind AS source, source.handle AS debtor,
               source.code AS from_site, target.kind AS target, target.handle AS creditor, target.code AS to_site,
               movement.quantity, effective_at, movement.recorded_at
        FROM tracking_movement movement LEFT JOIN {_ACCOUNT} source ON source.id = source_id
        JOIN {_ACCOUNT} target ON target.id = target_id
        LEFT JOIN tracking_transfer transfer ON transfer.id = transfer_id""",
)
keep(
    MovementLine,
    f"""SELECT chip.name, movement.statement_id, movement.kind, movement.effective_at
        FROM tracking_movementline line JOIN {_CHIP} chip ON chip.id = line.chip_id
        JOIN tracking_movement movement ON movement.id = line.movement_id""",
)
keep(
    Holding,
    f"""SELECT chip.name, model.code AS model, account.kind, account.handle, account.code, movement.statement_id,
               transfer.digest, since, installed_at, taken_out_at,
               taken_out_before
        FROM tracking_holding holding JOIN {_CHIP} chip ON chip.id = holding.chip_id
        JOIN registry_chipmodel model ON model.id = holding.model_id
        JOIN {_ACCOUNT} account ON account.id = holding.account_id
        JOIN tracking_movement movement ON movement.id = holding.movement_id
        LEFT JOIN tracking_transfer transfer ON transfer.id = holding.transfer_id""",
)
keep(
    Difference,
    f"""SELECT transfer.digest, receipt_id, difference.kind, difference.name, chip.name AS expected, settlement_id,
               outcome, difference.recorded_at, settled_at
        FROM tracking_difference difference JOIN tracking_transfer transfer ON transfer.id = transfer_id
        LEFT JOIN {_CHIP} chip ON chip.id = difference.chip_id""",
)
keep(
    Correction,
    "SELECT statement_id, original_id, previous_id, reason, effective_at, recorded_at FROM tracking_correction",
)
keep(
    StockCount,
    """SELECT counted.statement_id, answerable.handle, site.code, method, counted_at, recorded_at, expected, found,
              missing, unexpected
       FROM tracking_stockcount counted JOIN ledger_signer answerable ON answerable.id = counted.organisation_id
       JOIN registry_site site ON site.id = counted.site_id""",
)
keep(
    StockDifference,
    f"""SELECT counted.statement_id, difference.kind, difference.name, chip.name AS expected
        FROM tracking_stockdifference difference JOIN tracking_stockcount counted ON counted.id = difference.count_id
        LEFT JOIN {_CHIP} chip ON chip.id = difference.chip_id""",
)
