const STAFF = ['admin', 'training_staff'];

export function isStaff(user) {
  return STAFF.includes(user?.role);
}
