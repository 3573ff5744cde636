"""Which libraries a wheel repair must leave out because others bring them; the command for it."""
