import { List, Paper, Stack, Text, Title } from '@mantine/core';
import { Money } from '../../components/Money';
import { Columns } from '../../components/Page';
import { percent } from '../../format';
import { requests as words } from '../../strings/requests';
import { type RequestDetail, type Routed, type Semantic, type Step, fateOf, firedOf } from './shape';

/** Why this model, this hit, this refusal; and what it would have cost at the baseline. */
export function Why({ request }: { request: RequestDetail }) {
  const fate = fateOf(request);
  const routed = request.decision?.routed as Routed | null | undefined;
  const semantic = request.decision?.semantic as Semantic | null | undefined;
  const steps = (request.decision?.steps as Step[] | undefined) ?? [];
  return (
    <Stack>
      <Title order={3}>{words.whyTitle[fate]}</Title>
      <List size="sm" spacing={4}>
        <List.Item>{words.why.asked(request.model_requested)}</List.Item>
        {request.route && <List.Item>{words.why.route(request.route.alias, request.route.strategy, request.route.deployments.join(', '), request.route.version)}</List.Item>}
        {request.config && <List.Item>{words.why.config(request.config.slice(0, 12))}</List.Item>}
        {firedOf(request.guarded).map((one, index) => (
          <List.Item key={`${one.rule}-${index}`}>{words.why.rule(one.rule, one.policy, one.action, one.label)}</List.Item>
        ))}
        {routed?.rule && <List.Item>{words.why.chosenBy(routed.rule)}</List.Item>}
        {routed?.options.map((one) => (
          <List.Item key={one.deployment}>{words.why.weighed(one.deployment, one.mean === null ? words.why.unknown : percent(one.mean), one.reason)}</List.Item>
        ))}
        {semantic && <List.Item>{words.why.near(percent(semantic.score), percent(semantic.threshold), semantic.score >= semantic.threshold)}</List.Item>}
        {request.error_code && <List.Item>{words.why.error(request.error_code)}</List.Item>}
        {request.degraded && <List.Item>{words.why.degraded(request.degraded)}</List.Item>}
        {request.arm && <List.Item>{words.why.arm(request.arm)}</List.Item>}
        {request.versions && <List.Item>{words.why.versions(request.versions)}</List.Item>}
      </List>
      {steps.length > 0 && (
        <>
          <Title order={3}>{words.why.attempts}</Title>
          <List type="ordered" size="sm">
            {steps.map((step, index) => (
              <List.Item key={`${step.deployment}-${index}`}>{words.why.attempt(step.deployment, step.code, step.http_status)}</List.Item>
            ))}
          </List>
        </>
      )}
      {request.baseline_usd !== null && <Counterfactual request={request} />}
    </Stack>
  );
}

function Counterfactual({ request }: { request: RequestDetail }) {
  const parts = [
    [words.why.actual, request.cost_usd],
    [words.why.counterfactual, request.baseline_usd],
    [words.why.saved, request.saved_usd],
  ] as const;
  return (
    <Columns min={180}>
      {parts.map(([name, usd]) => (
        <Paper key={name} withBorder p="sm" bg="var(--legato-ground)">
          <Text size="sm" c="dimmed">{name}</Text>
          <Text fw={600}><Money usd={usd} /></Text>
        </Paper>
      ))}
    </Columns>
  );
}
