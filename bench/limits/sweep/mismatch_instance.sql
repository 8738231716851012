-- Transfers with an open difference of this kind.
SELECT count(DISTINCT transfer_id) FROM tracking_difference WHERE kind = 'swapped' AND settled_at IS NULL
