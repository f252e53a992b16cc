/*
description: "Products of the shop, each as the latest row tells it: what it is, costs, and whether it can be bought. Empty if no such export was given; products then are what the order lines say of them."
place: 5
thing: product
key: [product_id]
newest_by: row
moment: valid_from
changed_at: valid_from
money: [list_price, sale_price, unit_cost]
currency: currency
gives: prices, stock and the catalogue of products
columns:
  product_id:    {type: VARCHAR, required: true, length: [1, 200], meaning: "Product (SKU), as order lines name it"}
  product_name:  {type: VARCHAR, meaning: Name of the product}
  category:      {type: VARCHAR, meaning: "Path of categories from the widest to the narrowest, such as Home > Kitchen > Teapots; it takes the place of the category of order lines"}
  brand:         {type: VARCHAR, meaning: Brand or maker}
  list_price:    {type: "DECIMAL(18,4)", unit: currency, min: 0, max: 1e9, meaning: "Regular price of one piece; a price of 0 is none"}
  sale_price:    {type: "DECIMAL(18,4)", unit: currency, min: 0, max: 1e9, meaning: "Reduced price of one piece; a price of 0 is none"}
  sale_from:     {type: TIMESTAMP, meaning: "When the reduced price begins, in the shop's time zone; null: it has begun"}
  sale_until:    {type: TIMESTAMP, meaning: "When it ends, the whole of that day included; null: it does not end"}
  unit_cost:     {type: "DECIMAL(18,4)", unit: currency, min: 0, max: 1e9, meaning: "What one piece costs the shop"}
  currency:      {type: VARCHAR, pattern: "^[A-Z]{3}$", meaning: "Currency of prices and cost, ISO 4217"}
  in_stock:      {type: BOOLEAN, meaning: "Whether it can be bought, as far as the export says"}
  recommendable: {type: BOOLEAN, required: true, meaning: "False for what is no goods to recommend (bags, vouchers, samples, fuel): its lines enter no table of products"}
  url:           {type: VARCHAR, meaning: Page of the product}
  image_url:     {type: VARCHAR, meaning: Picture of the product}
  valid_from:    {type: TIMESTAMP, meaning: "Since when the row holds; of two rows, the later counts"}
filled:
  - category: "nullif(regexp_replace(regexp_replace(category, '\\s*>[\\s>]*', ' > ', 'g'), '^ > | > $', '', 'g'), '')"
    list_price: nullif(list_price, 0)
    sale_price: nullif(sale_price, 0)
    currency: coalesce(upper(currency), '{currency}')
    recommendable: coalesce(recommendable, TRUE)
told:
  zero_prices:
    where: list_price = 0 OR sale_price = 0
    says: "prices of 0 are taken for none ({rows})."
rules:
  category_in_itself:
    column: category
    fails: >-
      len(list_distinct(string_split(lower(category), ' > '))) < len(list_filter(string_split(lower(category), ' > '),
      lambda name, place: place = 1 OR name <> string_split(lower(category), ' > ')[place - 1]))
    reason: a path in which a category lies within itself; correct the tree of categories in the shop
  sale_ends_before_it_begins:
    column: sale_until
    fails: sale_until < sale_from
    reason: the reduced price ends before it begins
*/
