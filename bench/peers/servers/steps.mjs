// The five steps that every server of the bench runs, as its graph file has them.
export const net = ({ quantity, price }) => quantity * price
export const discount = ({ net }) => (net > 100 ? net * 0.1 : 0)
export const tax = ({ net, discount, country }) => (net - discount) * (country === "CH" ? 0.081 : 0.19)
export const shipping = ({ net }) => (net > 50 ? 0 : 7.9)
export const total = ({ net, discount, tax, shipping }) => net - discount + tax + shipping
