-- What examples/database needs: apply it once to the database of DATABASE_URL.
CREATE TABLE orders (
  -- The task that wrote the row; a second attempt finds it here.
  task_id text PRIMARY KEY,
  customer text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_lines (
  task_id text NOT NULL REFERENCES orders,
  sku text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0)
);
