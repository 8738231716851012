-- Chips on an account of lost or stolen ones.
SELECT count(*) FROM tracking_holding holding
JOIN tracking_account account ON account.id = holding.account_id WHERE account.kind IN ('lost', 'stolen')
