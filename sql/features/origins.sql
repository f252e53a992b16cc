/*
description: "Every origin that an order line or a visit names, and the marketing channel it stands for. The rules, the first that holds, are those of Google Analytics 4 but for two: messages go by their medium first, whatever the source, and what names neither source nor medium is unknown, or the store or marketplace it was sold in, but never direct. A query for any day, not a table."
grain: [source, medium, sales_channel]
owner: team:data
keep: true
columns:
  source:        {type: VARCHAR, meaning: "Source, trimmed and in lower case; empty if none is named"}
  medium:        {type: VARCHAR, meaning: Medium likewise}
  sales_channel: {type: VARCHAR, meaning: "Where it was sold, likewise; empty for visits"}
  channel:       {type: VARCHAR, meaning: Marketing channel}
*/
WITH named AS (
  SELECT
    coalesce(lower(trim(source)), '') AS source,
    coalesce(lower(trim(medium)), '') AS medium,
    coalesce(lower(trim(sales_channel)), '') AS sales_channel
  FROM (
    SELECT source, medium, sales_channel
    FROM staging.order_lines
    GROUP BY source, medium, sales_channel
    UNION ALL
    SELECT source, medium, CAST(NULL AS VARCHAR) AS sales_channel
    FROM staging.web_events
    GROUP BY source, medium
  ) AS raw_origins
),
known AS (
  SELECT DISTINCT source, medium, sales_channel
  FROM named
),
categories AS (
  SELECT source, category
  FROM (
    VALUES
      ('google', 'search'), ('google.com', 'search'), ('www.google.com', 'search'), ('bing', 'search'),
      ('bing.com', 'search'), ('www.bing.com', 'search'), ('yahoo', 'search'), ('yahoo.com', 'search'),
      ('search.yahoo.com', 'search'), ('duckduckgo', 'search'), ('duckduckgo.com', 'search'), ('baidu', 'search'),
      ('baidu.com', 'search'), ('yandex', 'search'), ('yandex.com', 'search'), ('yandex.ru', 'search'),
      ('ecosia', 'search'), ('ecosia.org', 'search'), ('qwant', 'search'), ('qwant.com', 'search'),
      ('startpage', 'search'), ('startpage.com', 'search'), ('ask', 'search'), ('ask.com', 'search'),
      ('aol', 'search'), ('aol.com', 'search'), ('naver', 'search'), ('naver.com', 'search'), ('daum', 'search'),
      ('daum.net', 'search'), ('sogou', 'search'), ('sogou.com', 'search'), ('seznam', 'search'),
      ('seznam.cz', 'search'), ('brave', 'search'), ('search.brave.com', 'search'), ('onet', 'search'),
      ('onet.pl', 'search'), ('facebook', 'social'), ('facebook.com', 'social'), ('m.facebook.com', 'social'),
      ('l.facebook.com', 'social'), ('lm.facebook.com', 'social'), ('www.facebook.com', 'social'), ('fb', 'social'),
      ('fb.com', 'social'), ('ig', 'social'), ('instagram', 'social'), ('instagram.com', 'social'),
      ('l.instagram.com', 'social'), ('www.instagram.com', 'social'), ('meta', 'social'), ('messenger', 'social'),
      ('twitter', 'social'), ('twitter.com', 'social'), ('t.co', 'social'), ('x', 'social'), ('x.com', 'social'),
      ('linkedin', 'social'), ('linkedin.com', 'social'), ('www.linkedin.com', 'social'), ('lnkd.in', 'social'),
      ('pinterest', 'social'), ('pinterest.com', 'social'), ('www.pinterest.com', 'social'), ('pin.it', 'social'),
      ('tiktok', 'social'), ('tiktok.com', 'social'), ('www.tiktok.com', 'social'), ('snapchat', 'social'),
      ('snapchat.com', 'social'), ('reddit', 'social'), ('reddit.com', 'social'), ('out.reddit.com', 'social'),
      ('www.reddit.com', 'social'), ('threads', 'social'), ('threads.net', 'social'), ('l.threads.com', 'social'),
      ('quora', 'social'), ('quora.com', 'social'), ('tumblr', 'social'), ('tumblr.com', 'social'), ('vk', 'social'),
      ('vk.com', 'social'), ('vkontakte', 'social'), ('xing', 'social'), ('xing.com', 'social'),
      ('whatsapp', 'social'), ('whatsapp.com', 'social'), ('telegram', 'social'), ('telegram.org', 'social'),
      ('t.me', 'social'), ('wechat', 'social'), ('weibo', 'social'), ('weibo.com', 'social'), ('mastodon', 'social'),
      ('bluesky', 'social'), ('bsky.app', 'social'), ('youtube', 'video'), ('youtube.com', 'video'),
      ('m.youtube.com', 'video'), ('www.youtube.com', 'video'), ('youtu.be', 'video'), ('vimeo', 'video'),
      ('vimeo.com', 'video'), ('dailymotion', 'video'), ('dailymotion.com', 'video'), ('twitch', 'video'),
      ('twitch.tv', 'video'), ('netflix', 'video'), ('hulu', 'video'), ('disneyplus', 'video'),
      ('google shopping', 'shopping'), ('google-shopping', 'shopping'), ('google_shopping', 'shopping'),
      ('googleshopping', 'shopping'), ('shopping.google.com', 'shopping'), ('amazon', 'shopping'),
      ('amazon.com', 'shopping'), ('amazon.de', 'shopping'), ('amazon.co.uk', 'shopping'), ('amazon.fr', 'shopping'),
      ('amazon.it', 'shopping'), ('amazon.es', 'shopping'), ('amazon.pl', 'shopping'), ('ebay', 'shopping'),
      ('ebay.com', 'shopping'), ('ebay.de', 'shopping'), ('ebay.co.uk', 'shopping'), ('etsy', 'shopping'),
      ('etsy.com', 'shopping'), ('alibaba', 'shopping'), ('alibaba.com', 'shopping'), ('aliexpress', 'shopping'),
      ('aliexpress.com', 'shopping'), ('walmart', 'shopping'), ('walmart.com', 'shopping'), ('idealo', 'shopping'),
      ('idealo.de', 'shopping'), ('idealo.at', 'shopping'), ('geizhals', 'shopping'), ('geizhals.at', 'shopping'),
      ('geizhals.de', 'shopping'), ('billiger', 'shopping'), ('billiger.de', 'shopping'), ('ceneo', 'shopping'),
      ('ceneo.pl', 'shopping'), ('allegro', 'shopping'), ('allegro.pl', 'shopping'), ('heureka', 'shopping'),
      ('heureka.cz', 'shopping'), ('kelkoo', 'shopping'), ('kelkoo.com', 'shopping'), ('pricerunner', 'shopping'),
      ('pricespy', 'shopping'), ('prisjakt', 'shopping'), ('shopping.com', 'shopping'), ('shopzilla', 'shopping'),
      ('pricegrabber', 'shopping'), ('mercadolibre', 'shopping'), ('rakuten', 'shopping'), ('shop.app', 'shopping')
  ) AS listed (source, category)
),
judged AS (
  SELECT
    known.source,
    known.medium,
    known.sales_channel,
    coalesce(categories.category, '') AS category,
    CASE
      WHEN known.medium LIKE '%cp%' OR known.medium IN ('ppc', 'retargeting') OR known.medium LIKE 'paid%' THEN 1
      ELSE 0
    END AS is_paid
  FROM known
  LEFT JOIN categories ON categories.source = known.source
)
SELECT
  source,
  medium,
  sales_channel,
  CASE
    WHEN source = '' AND medium = '' AND sales_channel IN ('store', 'pos') THEN 'store'
    WHEN source = '' AND medium = '' AND sales_channel = 'marketplace' THEN 'marketplace'
    WHEN source = '' AND medium = '' THEN 'unknown'
    WHEN source IN ('direct', '(direct)') AND medium IN ('', '(none)', '(not set)') THEN 'direct'
    WHEN medium IN ('email', 'e-mail', 'e_mail', 'e mail') OR medium LIKE 'newsletter%' THEN 'email'
    WHEN medium = 'sms' THEN 'sms'
    WHEN medium LIKE '%push' OR medium LIKE '%mobile%' OR medium LIKE '%notification%' THEN 'push'
    WHEN is_paid = 1 AND category <> '' THEN 'paid_' || category
    WHEN medium IN ('display', 'banner', 'expandable', 'interstitial', 'cpm') THEN 'display'
    WHEN is_paid = 1 THEN 'paid_other'
    WHEN category = 'shopping' THEN 'organic_shopping'
    WHEN category = 'social'
      OR medium IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media') THEN 'organic_social'
    WHEN category = 'video' OR medium LIKE '%video%' THEN 'organic_video'
    WHEN category = 'search' OR medium = 'organic' THEN 'organic_search'
    WHEN source IN ('email', 'e-mail', 'e_mail', 'e mail') OR source LIKE 'newsletter%' THEN 'email'
    WHEN medium IN ('affiliate', 'affiliates') THEN 'affiliate'
    WHEN medium IN ('referral', 'app', 'link') THEN 'referral'
    WHEN medium = 'audio' THEN 'audio'
    WHEN source = 'sms' THEN 'sms'
    WHEN source = 'firebase' THEN 'push'
    ELSE 'other'
  END AS channel
FROM judged
