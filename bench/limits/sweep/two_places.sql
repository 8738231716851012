-- Chips whose evidence contradicts other evidence, and chips that a weaker grade names where they were not.
SELECT count(*) FROM (
    SELECT chip_id FROM attestations_conflict
    WHERE seen_at > %(now)s - interval '30 days' AND (sign = 'two_places' OR site_id <> other_site_id)
    UNION
    SELECT weaker.chip_id FROM attestations_sighting weaker
    JOIN attestations_sighting proved ON proved.chip_id = weaker.chip_id AND proved.identity = 5
    WHERE weaker.identity < 5 AND weaker.site_id <> proved.site_id AND weaker.seen_at > %(now)s - interval '30 days'
      AND weaker.seen_at BETWEEN proved.present_since AND proved.seen_at
) chips
