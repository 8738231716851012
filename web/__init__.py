"""The shared face: base templates, components, refusals, paging and exports. It knows no other app."""
