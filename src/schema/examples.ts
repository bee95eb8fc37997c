/** A tab that GraphiQL opens with. */
export interface ExampleTab {
  query: string;
  variables?: string;
}

export const exampleTabs: readonly ExampleTab[] = [
  {
    query: `# Orders as they come: press play, then place an order in the shop.
subscription OrdersLive {
  orderChanged {
    cursor
    event { type recordedAt }
    order {
      number
      channel
      financialStatus
      total { amount currencyCode }
      lines { quantity title }
      customer { displayName lifetimeValue { amount } }
    }
  }
}
`,
  },
  {
    query: `# The latest orders with everything that belongs to them.
query LatestOrders {
  orders(first: 10) {
    totalCount
    nodes {
      number
      placedAt
      channel
      financialStatus
      total { amount currencyCode }
      refundedTotal { amount }
      customer { displayName email }
      lines { quantity title sku total { amount } }
      records { remoteType remoteId source { platform observedAt } }
      source { platform updatedAt observedAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    query: `# A day three times over: shop, graph and books, and what explains each difference. An earlier day: tieOut(date: "2026-11-29").
query DayTiedOut {
  tieOut {
    date
    agrees
    notes
    currencies {
      currency
      channel { sales { amount } refunds { amount } net { amount } }
      graph { sales { amount } refunds { amount } net { amount } }
      books { sales { amount } refunds { amount } net { amount } }
      reasons { between kind count amount { amount } }
      differences(first: 20) { kind amount { amount } why remedy order { number } document { type number url } }
    }
    payouts { net { amount } deposited { amount } why }
  }
}
`,
  },
  {
    query: `# The best customers, how each platform knows them and where each field comes from.
query BestCustomers {
  customers(first: 10, sort: LIFETIME_VALUE_DESC, filter: { hasOrders: true }) {
    nodes {
      displayName
      email
      lifetimeValue { amount currencyCode }
      orderCount
      identities { remoteId source { platform observedAt } }
      provenance { field platform at }
      orders(first: 3) { nodes { number total { amount } refunds { total { amount } } } }
    }
  }
}
`,
  },
  {
    query: `# What is running low, and how it came to be so.
query LowStock {
  stockLevels(first: 20, filter: { availableAtMost: 5 }) {
    nodes {
      variant { sku title product { title } }
      location { name }
      available
      onHand
      committed
      freshness { ageSeconds }
      movements(first: 3) { nodes { cause availableDelta availableAfter reason } }
    }
  }
}
`,
  },
  {
    query: `# What was sold this month, per currency, and which orders the books do not have yet.
query MonthAndBooks($since: DateTime!) {
  orders(first: 0, filter: { placedAt: { from: $since }, cancelled: false }) {
    totals { count total { amount currencyCode } refundedTotal { amount } netTotal { amount } }
  }
  pushes(first: 10, filter: { platform: QUICKBOOKS, statuses: [PENDING, RETRYING, DEAD] }) {
    totalCount
    nodes { kind status attempts nextAttemptAt error remedy subject { ... on Order { number } } }
  }
}
`,
    variables: JSON.stringify({ since: `${new Date().toISOString().slice(0, 7)}-01T00:00:00Z` }),
  },
  {
    query: `# How well the platforms are kept in step, and what is waiting why.
query SyncStatus {
  syncStatus {
    lagSeconds
    head
    connections {
      connection { name platform status circuit circuitReason lastSuccessAt lastDeliveryAt }
      waiting
      retrying
      dead
      planned
      oldestWaitingSeconds
      work { what kind status count oldestSeconds reason remedy }
    }
  }
}
`,
  },
  {
    query: `# The latest writes to the platforms with their receipts.
query LatestPushes {
  pushes(first: 10) {
    nodes {
      kind
      status
      attempts
      error
      remedy
      connection { name platform }
      receipts { remoteId adopted durationMs detail }
      body
    }
  }
}
`,
  },
  {
    query: `# Write a note on an order: it reaches the platforms, and the answer says when they have it.
mutation WriteNote($id: ID!) {
  orderUpdate(input: { id: $id, note: "Gift: please wrap", wait: true }) {
    order { number note }
    pushes { kind status connection { platform } receipts { remoteId durationMs } }
    settled
    userErrors { code field message }
  }
}
`,
    variables: '{ "id": "take an id from the tab with the latest orders" }',
  },
  {
    query: `# Everything that is committed, in order. Keep the last cursor and pass it as "after" to go on from there.
subscription Everything {
  eventAppended {
    cursor
    event { type subjectType source recordedAt payload }
  }
}
`,
  },
];
