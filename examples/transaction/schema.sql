-- What examples/transaction needs: apply it once to the database of DATABASE_URL.
CREATE TABLE orders (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer text NOT NULL,
  sku text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0)
);

CREATE TABLE stock (sku text PRIMARY KEY, left_over integer NOT NULL);
INSERT INTO stock VALUES ('tea', 5);
