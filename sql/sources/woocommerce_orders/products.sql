/*
description: "Products as WooCommerce's own exporter writes them (Products, Export; field list: the wiki page Product CSV Import Schema of WooCommerce). One row per product and per variation; what a variation leaves out it has from its parent, which Parent names by id:123 or by its SKU. A product's id is its SKU, else its ID, as the export of orders names it. The category is the first of Categories. Dates of sales are the shop's days. A product that is not published cannot be bought. The exporter writes headings in the language of the admin: these are the English ones."
owner: team:data
raw:
  ID:                {required: true}
  Type:              {required: true, meaning: "simple, variable, variation, grouped, external, with virtual or downloadable beside it"}
  SKU:               {required: true}
  Name:              {required: true}
  Published:         {meaning: "1; 0 for private, -1 for a draft"}
  Date sale price starts: {type: timestamp}
  Date sale price ends: {type: timestamp}
  In stock?:         {meaning: "1, 0 or backorder"}
  Sale price:        {type: number}
  Regular price:     {required: true, type: number}
  Cost of goods:     {type: number}
  Categories:        {}
  Images:            {}
  Parent:            {}
  Brands:            {}
*/
WITH cells AS (
  SELECT
    row_number,
    nullif(trim(TRY_CAST(ID AS VARCHAR)), '') AS id,
    nullif(trim(SKU), '') AS sku,
    nullif(trim(Name), '') AS name,
    trim(TRY_CAST(Published AS VARCHAR)) AS published,
    nullif(trim("Date sale price starts"), '') AS sale_from,
    nullif(trim("Date sale price ends"), '') AS sale_until,
    lower(trim(TRY_CAST("In stock?" AS VARCHAR))) AS stock,
    TRY_CAST("Sale price" AS DECIMAL(18,4)) AS sale_price,
    TRY_CAST("Regular price" AS DECIMAL(18,4)) AS regular_price,
    TRY_CAST("Cost of goods" AS DECIMAL(18,4)) AS cost,
    nullif(trim(regexp_extract(Categories, '^(?:[^,\\]|\\.)+')), '') AS category,
    nullif(trim(split_part(Images, ',', 1)), '') AS image,
    nullif(trim(split_part(Brands, ',', 1)), '') AS brand,
    nullif(trim(regexp_replace(TRY_CAST(Parent AS VARCHAR), '^id:', '')), '') AS parent
  FROM export
),
parents AS (
  SELECT
    mention.parent,
    max(cells.category) AS category,
    max(cells.brand) AS brand,
    max(cells.image) AS image,
    max(cells.published) AS published
  FROM (SELECT DISTINCT parent FROM cells WHERE parent IS NOT NULL) AS mention
  JOIN cells ON cells.id = mention.parent OR cells.sku = mention.parent
  GROUP BY mention.parent
)
SELECT
  cells.row_number,
  left(coalesce(cells.sku, cells.id), 200) AS product_id,
  cells.name AS product_name,
  replace(coalesce(cells.category, parents.category), '\,', ',') AS category,
  coalesce(cells.brand, parents.brand) AS brand,
  cells.regular_price AS list_price,
  cells.sale_price,
  cells.sale_from,
  cells.sale_until,
  cells.cost AS unit_cost,
  CASE
    WHEN coalesce(cells.published, '1') <> '1' OR coalesce(parents.published, '1') <> '1' THEN FALSE
    ELSE coalesce(cells.stock, '1') NOT IN ('0', 'false')
  END AS in_stock,
  coalesce(cells.image, parents.image) AS image_url
FROM cells
LEFT JOIN parents ON parents.parent = cells.parent
