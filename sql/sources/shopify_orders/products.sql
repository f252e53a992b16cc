/*
description: "Products as Shopify's admin exports them (Products, Export, CSV; field list: Shopify Help Center, Using CSV files to import and export products), with the headings used until 2024 or those since. One row per variant; further rows hold pictures only and repeat, read here, the variant above them, so that they count as copies. A product's id is its SKU, else its title and options, as the export of orders names it. The category is Product Category, else Type. Where Compare-at price is above Price, that is the list price and Price the reduced one. A product that is a draft, archived or not published cannot be bought; a gift card is no goods."
owner: team:data
raw:
  Handle:            {required: true, aliases: [URL handle], meaning: Name of the product in its address}
  Title:             {required: true}
  Vendor:            {}
  Product Category:  {}
  Type:              {}
  Option1 Value:     {}
  Option2 Value:     {}
  Option3 Value:     {}
  Variant SKU:       {aliases: [SKU]}
  Variant Price:     {required: true, type: number, aliases: [Price]}
  Variant Compare At Price: {type: number, aliases: [Compare-at price]}
  Cost per item:     {type: number}
  Variant Inventory Tracker: {aliases: [Inventory tracker]}
  Variant Inventory Qty: {type: number, aliases: [Inventory quantity]}
  Variant Inventory Policy: {aliases: [Continue selling when out of stock], meaning: "continue or TRUE; deny or FALSE"}
  Published:         {aliases: [Published on online store]}
  Status:            {meaning: "active, draft or archived"}
  Gift Card:         {}
  Image Src:         {aliases: [Product image URL]}
  Variant Image:     {aliases: [Variant image URL]}
*/
WITH cells AS (
  SELECT
    row_number,
    trim(Handle) AS handle,
    nullif(trim(Title), '') AS title,
    nullif(trim(Vendor), '') AS vendor,
    nullif(nullif(trim("Product Category"), ''), 'Uncategorized') AS category,
    nullif(trim(Type), '') AS type,
    nullif(trim("Variant SKU"), '') AS sku,
    nullif(
      concat_ws(
        ' / ', nullif(nullif(trim("Option1 Value"), ''), 'Default Title'), nullif(trim("Option2 Value"), ''),
        nullif(trim("Option3 Value"), '')
      ),
      ''
    ) AS options,
    TRY_CAST("Variant Price" AS DECIMAL(18,4)) AS price,
    TRY_CAST("Variant Compare At Price" AS DECIMAL(18,4)) AS compare_at,
    TRY_CAST("Cost per item" AS DECIMAL(18,4)) AS cost,
    nullif(trim("Variant Inventory Tracker"), '') AS tracker,
    TRY_CAST("Variant Inventory Qty" AS DECIMAL(18,3)) AS pieces,
    lower(nullif(trim("Variant Inventory Policy"), '')) AS policy,
    lower(nullif(trim(Published), '')) AS published,
    lower(nullif(trim(Status), '')) AS status,
    lower(nullif(trim("Gift Card"), '')) AS gift_card,
    nullif(trim("Image Src"), '') AS image,
    nullif(trim("Variant Image"), '') AS variant_image
  FROM export
),
placed AS (
  SELECT
    row_number,
    handle,
    max(CASE WHEN sku IS NOT NULL OR price IS NOT NULL OR title IS NOT NULL THEN row_number END) OVER (
      PARTITION BY handle ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS variant_row
  FROM cells
),
products AS (
  SELECT
    handle,
    max(title) AS title,
    max(vendor) AS vendor,
    max(category) AS category,
    max(type) AS type,
    max(published) AS published,
    max(status) AS status,
    max(gift_card) AS gift_card,
    min_by(image, row_number) AS image
  FROM cells
  GROUP BY handle
)
SELECT
  placed.row_number,
  left(coalesce(cells.sku, concat_ws(' - ', products.title, cells.options)), 200) AS product_id,
  concat_ws(' - ', products.title, cells.options) AS product_name,
  coalesce(products.category, products.type) AS category,
  products.vendor AS brand,
  CASE WHEN cells.compare_at > cells.price THEN cells.compare_at ELSE cells.price END AS list_price,
  CASE WHEN cells.compare_at > cells.price THEN cells.price END AS sale_price,
  cells.cost AS unit_cost,
  CASE
    WHEN products.published = 'false' OR products.status <> 'active' THEN FALSE
    WHEN cells.policy IN ('continue', 'true') THEN TRUE
    WHEN cells.tracker IS NULL AND cells.policy IS NOT NULL THEN TRUE
    WHEN cells.pieces IS NULL THEN TRUE
    ELSE cells.pieces > 0
  END AS in_stock,
  coalesce(products.gift_card, 'false') <> 'true' AS recommendable,
  '/products/' || placed.handle AS url,
  coalesce(cells.variant_image, products.image) AS image_url
FROM placed
LEFT JOIN cells ON cells.row_number = placed.variant_row
LEFT JOIN products ON products.handle = placed.handle
