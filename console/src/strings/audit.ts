export const audit = {
  title: 'Audit',
  about: 'Every change, in a log that only grows. Your own browser proves each event.',
  columns: { index: 'No.', at: 'When', actor: 'Who', action: 'What', subject: 'On', outcome: 'Outcome', reason: 'Why' },
  filters: { label: 'Filters of the log', action: 'What (exactly)', since: 'From (UTC)', until: 'Before (UTC)', org: 'Organisation' },
  empty: 'No event here', emptyHint: 'Whatever is changed by the control API is in the log at once, as a team that is made:',
  proof: 'Proof', verify: 'Verify in this browser', verifying: 'Computing', exportProof: 'Export this proof', exportAll: 'Export all with proofs', checkpoint: 'Checkpoint', key: 'Key of the log',
  facts: { org: 'Organisation', request: 'Request', reason: 'Reason', details: 'Details' },
  included: 'It is in the log', missing: 'It is NOT in the log that was signed', signed: 'signed by the key of the log', unsigned: 'NOT signed by the key of the log', unknown: 'this browser has no Ed25519, so the signature was not checked',
  told: { leaf: 'Hash of the event', path: 'Steps to the root', size: 'Events in the log', root: 'Signed root', signature: 'Signature' },
  how: 'The hash of the event (SHA-256, computed here) was led along the path to a root, and that root held against the signed checkpoint. The export of all events is what legato audit verify reads.',
};
