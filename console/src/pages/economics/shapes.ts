// What the routes of finance answer. Their document says "any JSON", as the figures vary with the plan.

export interface Statement {
  period: string;
  bars: [string, number][];
  cost: number;
  saved: number;
  requests: number;
  unpriced: number;
  headline: string;
  modelled: string[];
  queries: string[];
}

export interface PlanCase {
  name: string;
  npv_usd: string;
  roi: string;
  roi_told: string;
  irr: string[];
  irr_told: string;
  payback_months: string;
  break_even_told: string;
  tco: { what: string; before_usd: string; after_usd: string }[];
  months: { month: number; cumulative_usd: string }[];
}

export interface Plan {
  cases: PlanCase[];
  tornado: { name: string; low: string; high: string; npv_at_low_usd: string; npv_at_high_usd: string; swing_usd: string }[];
  draws: { draws: number; p05_usd: string; p50_usd: string; p95_usd: string; positive_share: string } | null;
  method: string[];
}

export interface Volume {
  factor: number;
  requests: number;
  cached_share: string;
  cost_usd: string;
  cost_per_request_usd: string;
  margin: string;
  limits: unknown[];
  drivers: { deployment: string; cost_usd: string }[];
}

export interface Projection {
  volumes: Volume[];
  stops_told: string;
  cache_told: string;
  method: string[];
}

export interface PnlLine {
  org: string;
  team: string;
  feature: string;
  revenue_usd: string;
  ai_usd: string;
  review_usd: string;
  other_usd: string;
  contribution_usd: string;
  contribution_margin: string;
  ai_of_revenue: string;
  told: string[];
}

export interface Pnl {
  since: string;
  until: string;
  features: PnlLine[];
  total: PnlLine;
  profitable_told: string;
  queries: string[];
}
