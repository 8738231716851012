"""Reading for pages that cross rooms; everything goes through what the reader may see."""
