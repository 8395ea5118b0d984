export const question = {
  data: 'Data',
  approve: 'Approve',
  approveEdited: 'Approve with these changes',
  reject: 'Reject',
  fill: 'Send',
};
