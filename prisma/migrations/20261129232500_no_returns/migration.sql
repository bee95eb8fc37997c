-- Nobody has ever filled these: what became of returned goods stands with the lines of their refund.
DROP TABLE "order_return_line";
DROP TABLE "order_return";
