/*
description: "Which customers the ids are that messages, visits and consents have made from an e-mail address, where the export customers gives that address to an account. Made anew with every load from the rows that stand; the address itself is not kept. An id that orders or customers know as their own is none."
grain: [alias_id, customer_id]
owner: team:data
columns:
  alias_id:    {type: VARCHAR, meaning: "The id made from the address, as staging.messages, staging.web_events or staging.consents have it"}
  customer_id: {type: VARCHAR, meaning: Customer whose address it is}
  customers:   {type: BIGINT, unit: customers, min: 1, meaning: "How many customers have the address; of several nobody can tell who is meant, so events are nobody's and a withdrawal is everybody's"}
*/
