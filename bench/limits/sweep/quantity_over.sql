-- Transfers with an open difference of this kind.
SELECT count(DISTINCT transfer_id) FROM tracking_difference WHERE kind = 'over' AND settled_at IS NULL
