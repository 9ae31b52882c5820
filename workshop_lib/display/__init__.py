"""How a value, a table or a chart looks in a notebook. Nothing here knows AWS."""
